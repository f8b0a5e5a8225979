"""Sound itself: decode, encode, resample, blocks, levels, loudness, limiting."""
