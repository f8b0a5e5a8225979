"""A voice is trained on a member's notes."""
