"""What a visitor means by a text that can also name a place, such as “Müller Berlin” or “dermatologist in 10557”."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from ...kit import places
from ...kit.places import Place

CONNECTIVES: Final = frozenset(("in", "near", "at", "around", "bei", "nahe", "um", "a", "en", "pres", "cerca", "de"))
"""The words that can join what a visitor looks for to a place, in all languages and without accents."""
MAX_PLACE_WORDS: Final = 5
MAX_WORDS: Final = 12
"""Longer texts name no place."""


class Reading(NamedTuple):
    text: str
    """What the visitor looks for there; empty for anything."""
    where: str
    """The part of the text that names the place."""
    places: Sequence[Place]
    """The places it could be, most likely first."""


def read_place(text: str, *, countries: Collection[str], home: str | None) -> Reading | None:
    """Return the text and the place at its end or beginning. None if it names no place in these countries. A postal
    code that several countries have is most likely in the country `home`.
    """
    words = text.replace(",", " ").split()
    if len(words) > MAX_WORDS:
        return None
    for size in range(min(len(words), MAX_PLACE_WORDS), 0, -1):
        for rest, where in ((words[:-size], words[-size:]), (words[size:], words[:size])):
            if matches := places.find_named(" ".join(where), countries=countries, home=home):
                return Reading(" ".join(_without_connectives(rest)), " ".join(where), matches)
    return None


def _without_connectives(words: Sequence[str]) -> Sequence[str]:
    while words and places.folded(words[-1]) in CONNECTIVES:
        words = words[:-1]
    return words
