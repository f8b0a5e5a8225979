"""Content encoders: the embedded student and ContentVec."""
