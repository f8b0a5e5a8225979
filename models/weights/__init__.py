"""Weights on disk: the catalogue, pins, downloads, integrity checks, state dicts, and untrusted files."""
