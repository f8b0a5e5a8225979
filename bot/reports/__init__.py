"""Members report results; moderators remove them, warn or block whose they are, and unblock them."""
