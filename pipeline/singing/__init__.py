"""A song is converted: what it sings is sung in a voice."""
