"""Distinguish secrets that someone made up from secrets that were generated."""

import math
import re
from collections import Counter
from itertools import pairwise
from typing import Final

MIN_LENGTH: Final = 24
MIN_BITS_PER_CHARACTER: Final = 2.9
"""The minimum entropy, as estimated from the frequencies of a secret's characters. 24 random hexadecimal digits have
more.
"""
MAX_SEQUENCE: Final = 5
"""The longest run of neighbouring characters, such as `45678` or `fedcb`, that a generated secret may contain."""
LOOK_ALIKES: Final = str.maketrans("@4301!5$7", "aaeoiisst")
WORDS: Final = re.compile(
    "1qaz2wsx|a1b2c3|admin|appoint|asdfgh|changeme|change.?this|clinic|correct.?horse|default|development|example|"
    "generate|insert|letmein|openssl|passphrase|passwor[dt]|please|postgres|production|qazwsx|qwert|random|replace|"
    "secret|secure|server|signing|string|super|token|your.?key"
)
"""Words found in placeholders, in examples and in secrets that people make up. Short words are left out, because random
characters spell them too often."""


def is_guessable(secret: str, *, min_length: int = MIN_LENGTH) -> bool:
    """Return whether the secret is short, repetitive, in alphabetical order, or contains words that people choose."""
    return (
        len(secret) < min_length
        or _bits(secret) < min_length * MIN_BITS_PER_CHARACTER
        or _repeats(secret)
        or _longest_sequence(secret) > MAX_SEQUENCE
        or bool(WORDS.search(secret.lower()) or WORDS.search(secret.lower().translate(LOOK_ALIKES)))
    )


def _bits(secret: str) -> float:
    """Estimate the secret's Shannon entropy, as if each character were chosen independently."""
    length = len(secret)
    return -sum(count * math.log2(count / length) for count in Counter(secret).values())


def _repeats(secret: str) -> bool:
    """Return whether the secret is just its beginning, repeated."""
    return any(secret.startswith(secret[period:]) for period in range(1, len(secret) // 2 + 1))


def _longest_sequence(secret: str) -> int:
    """Return the length of the longest run of consecutive characters, either ascending or descending."""
    longest = run = direction = 1
    for one, other in pairwise(secret):
        step = ord(other) - ord(one)
        run = run + 1 if step == direction and abs(step) == 1 else 2 if abs(step) == 1 else 1
        direction = step
        longest = max(longest, run)
    return longest
