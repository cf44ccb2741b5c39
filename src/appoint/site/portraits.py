"""Initials in a colour of their own, for people without a portrait. `_panel.ts` does the same."""

import unicodedata
from typing import Final

HUES: Final = 12
"""The number of colours in `_hues.css`."""


def initials(name: str) -> str:
    """Return the initials of a person's first and last names, ignoring titles such as “Dr.”."""
    words = [word for word in name.split() if unicodedata.category(word[0]).startswith("L")]
    names = [word for word in words if not word.endswith(".")] or words
    return "".join(word[0] for word in (names[:1] + names[1:][-1:]))


def hue(name: str) -> int:
    """Return the person's colour."""
    return sum(map(ord, name)) % HUES
