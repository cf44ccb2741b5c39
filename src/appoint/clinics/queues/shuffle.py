"""A random order that takes no memory: every process computes each ticket's place from its number and a secret.

The order is a Feistel network over the numbers below the next power of four. A number that it maps beyond the end is
mapped again until it is within (cycle walking), so that each number gets its own place.
"""

import hashlib
from typing import Final

ROUNDS: Final = 10


class Shuffle:
    def __init__(self, secret: bytes) -> None:
        self._secret: Final = hashlib.sha256(secret).digest()

    def place(self, index: int, size: int) -> int:
        """Return the place of an index, both from 0 to `size` - 1. Different indexes have different places."""
        half = max((size - 1).bit_length() + 1, 2) // 2
        place = self._permute(index, size, half)
        while place >= size:
            place = self._permute(place, size, half)
        return place

    def _permute(self, value: int, size: int, half: int) -> int:
        mask = (1 << half) - 1
        left, right = value >> half, value & mask
        for number in range(ROUNDS):
            content = b"%d %d %d" % (size, number, right)
            digest = hashlib.blake2b(content, key=self._secret, digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(digest) & mask)
        return left << half | right
