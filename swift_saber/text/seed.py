"""A seed for random numbers that comes of a text, the same on every machine."""

import hashlib


def seed_of(text: str) -> int:
    """Return 32 bits of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
