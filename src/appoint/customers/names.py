"""Names that patients and strangers type. Messages contain them, and may go to someone else's address."""

import re
import unicodedata
from typing import Final

from ..kit.errors import Fault
from ..kit.i18n import translatable

MAX_NAME_LENGTH: Final = 100
"""In characters. Even the longest real names, with several given names and surnames, are shorter."""
LINK: Final = re.compile(r"://|\bwww\.|\S\.\S+/", re.IGNORECASE)
LINE_BREAKS_AND_CONTROLS: Final = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's categories for line breaks and control characters."""
DIRECTION_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Invisible characters that change the direction of the text around them, and so what it seems to say."""
DOTS: Final = str.maketrans({"。": ".", "．": ".", "｡": "."})
"""Characters that browsers read as dots in a domain."""
COMMON_DOMAINS: Final = frozenset(
    {
        *("app", "biz", "cn", "co", "com", "de", "dev", "es", "eu", "fr", "info", "io", "me", "net", "online", "org"),
        *("ru", "shop", "site", "top", "tv", "uk", "us", "xyz"),
    }
)
"""Top-level domains that mail programs turn into links, however they are written."""


def name_fault(name: str) -> Fault | None:
    """Return what is wrong with a name that was not entered by a clinic's staff, or None if it is fine."""
    if len(name) > MAX_NAME_LENGTH:
        return Fault("#/name", "is too long; maximum length: {n}", n=MAX_NAME_LENGTH)
    if any(
        unicodedata.category(character) in LINE_BREAKS_AND_CONTROLS or character in DIRECTION_OVERRIDES
        for character in name
    ):
        return Fault("#/name", translatable("must not contain line breaks or control characters"))
    if _contains_link(name):
        return Fault("#/name", translatable("must not contain a web or email address"))
    return None


def _contains_link(name: str) -> bool:
    plain = unicodedata.normalize("NFKC", name.translate(DOTS))
    return bool(LINK.search(plain)) or any(_is_domain(word) for word in plain.split())


def _is_domain(word: str) -> bool:
    """Return whether mail programs would turn the word into a link. “J.R.” and “St.John” are names; “st.example” is
    not.

    The last label of a domain has at least two letters. It is either a common one, or in lower case and preceded by a
    label that is not an initial.
    """
    if re.search(r"\S@\S", word):
        return True
    *labels, last = re.split(r"[:?#]", word.strip(".,;()[]<>\"'"))[0].split(".")
    if not labels or not all(labels) or len(last) < 2 or not last.isalpha():
        return False
    return last.lower() in COMMON_DOMAINS or (last.islower() and len(labels[-1]) > 1)
