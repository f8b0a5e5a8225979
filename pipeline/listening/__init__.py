"""What a voice sings, and whether it is one person: content features, f0, vocal range, speaker windows."""
