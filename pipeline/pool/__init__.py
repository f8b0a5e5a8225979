"""The models that were selected are loaded once and kept warm."""
