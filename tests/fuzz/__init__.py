"""Mutated files: a sample here, thousands by `make fuzz`."""
