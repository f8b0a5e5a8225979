"""A song is covered: its stems, the conversion of its vocals, the mix, and figures."""
