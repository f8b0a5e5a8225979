"""The models that were selected, loaded once and kept warm."""
