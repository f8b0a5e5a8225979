"""Training of a member's voice, from notes to a voice file."""
