"""Weights on disk: the catalogue, pins, downloads, integrity, and files of strangers."""
