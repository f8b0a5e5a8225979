"""Voices that no shipped weights have heard: a figure on a voice that was trained on proves nothing."""

HELD_OUT_KOKORO = ("bf_emma",)
"""Synthetic voices kept out of training. Real clips say themselves which split they are in."""
