"""Readers of source datasets, one file each."""
