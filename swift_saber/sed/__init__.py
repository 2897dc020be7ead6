"""Structured evidence decomposition: the six-dimension record, its layout, and how answers are read."""
