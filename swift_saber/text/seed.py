"""Numbers that come of a text, the same on every machine: a seed for random ones, and one to draw lots by."""

import hashlib


def seed_of(text: str) -> int:
    """Return 32 bits of a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def lot_number(name: str, seed: object) -> int:
    """Return a number below 2**64 that depends on the id and the seed alone, so that the order of rows does not matter.

    Args:
        name: the id of a clip.
        seed: with another one, clips come in another order.
    """
    digest = hashlib.blake2b(f"{seed} {name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
