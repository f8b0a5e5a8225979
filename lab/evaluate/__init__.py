"""What the embedded voice is worth: held-out speakers, fixed protocols, gates with limits."""
