"""A mix of any length to its vocals, with any separator or ensemble of them."""
