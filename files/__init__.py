"""Atomic writing of files, and the error for a full disk.

The bottom room: models, pipeline and store write their files through it.
"""
