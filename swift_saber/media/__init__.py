"""A clip: what is in it, what is wrong with it, and its settings."""
