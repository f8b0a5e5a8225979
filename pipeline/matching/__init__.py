"""Which singers of the library a voice resembles, as calibrated probabilities."""
