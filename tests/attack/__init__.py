"""Hostile input of every kind: each attack ends with a count."""
