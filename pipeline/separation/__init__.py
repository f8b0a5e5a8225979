"""A mix is separated: its vocals are estimated by a separator or an ensemble, whatever its length."""
