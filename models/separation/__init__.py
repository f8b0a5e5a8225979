"""Separators beside Spleeter: HTDemucs, MDX23C, Mel-Band RoFormer and BS-RoFormer, loaded from pinned local files.

Each module's `load` returns a `ChunkSeparator`, which estimates the vocals of one chunk of a mix. The pipeline cuts a
song into overlapping chunks and overlap-adds the estimates.
"""
