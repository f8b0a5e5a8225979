"""A voice is matched with the singers of the library: calibrated probabilities, with "none of them"."""
