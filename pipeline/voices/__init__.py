"""Voices as files: whose they are, and their exchange with RVC."""
