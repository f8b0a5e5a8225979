"""A cover from beginning to end: stems, conversion, mix, figures."""
