"""Files that appear whole or not at all, and what a full disk says.

The bottom room: models, pipeline and store write through it.
"""
