"""Training of the shipped weights: content encoder, voice base and singer encoder, on freely licensed sound.

A training is a `Task`; `loop` runs it, saves it, and takes it up after a kill. See docs/weights.md.
"""
