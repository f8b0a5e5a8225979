"""Sound is decoded, resampled, measured, limited and encoded: float32 samples in memory, files on disk."""
