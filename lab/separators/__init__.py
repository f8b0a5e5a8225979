"""Separators that go on learning: from songs in stems, or from a larger separator."""
