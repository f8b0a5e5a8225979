"""The harmonic-plus-noise decoder: the network under the embedded voice (h24)."""
