"""Moderators keep the songs and singers of their server."""
