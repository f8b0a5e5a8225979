"""Separators beside Spleeter: HTDemucs, MDX23C, Mel-Band RoFormer and BS-RoFormer, loaded from pinned local files.

Each module's `load` gives a `ChunkSeparator`: it hears one chunk of the mix and says what is sung in it. The pipeline
cuts a song into chunks and joins what comes back.
"""
