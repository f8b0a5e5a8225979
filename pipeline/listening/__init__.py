"""A voice is analysed: its content features, f0 and vocal range, and whether it is one person."""
