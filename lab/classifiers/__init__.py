"""A singer classifier from an operator's own songs: listed, separated, cut, split, trained, measured."""
