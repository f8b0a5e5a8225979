"""Pitch trackers: FCPE, SwiftF0 and RMVPE."""
