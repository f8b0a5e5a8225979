"""A trained voice is a pair of files: its owner, its retrieval index, and its exchange with RVC."""
