"""Conversion: content features and f0 sung in a voice."""
