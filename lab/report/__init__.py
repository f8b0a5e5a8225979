"""One page of what was measured, beside what the project that this one follows has reported."""
