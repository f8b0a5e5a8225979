"""Networks that only the laboratory uses."""
