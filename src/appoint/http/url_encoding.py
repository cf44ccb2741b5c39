"""Decode URL-encoded queries and forms.

The standard library takes microseconds for every escape, so a small form could block the event loop for a second.
"""

import re
from itertools import product
from typing import Final, Literal

MAX_FIELDS: Final = 100
ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
BYTES: Final = {
    f"{high}{low}".encode(): bytes.fromhex(f"{high}{low}") for high, low in product("0123456789abcdefABCDEF", repeat=2)
}


def parse_pairs(
    raw: bytes, *, errors: Literal["strict", "replace"] = "strict", max_fields: int = MAX_FIELDS
) -> list[tuple[str, str]]:
    """Return the names and values in order. A name without a value has an empty one.

    Raise `ValueError` if there are more than `max_fields`, or if they are not UTF-8 and `errors` is `"strict"`.
    """
    if raw.count(b"&") >= max_fields:
        raise ValueError
    pairs = [part.partition(b"=") for part in raw.split(b"&") if part]
    return [(_unescape(name).decode(errors=errors), _unescape(value).decode(errors=errors)) for name, _, value in pairs]


def _unescape(text: bytes) -> bytes:
    text = text.replace(b"+", b" ")
    return ESCAPE.sub(lambda match: BYTES[match[1]], text) if b"%" in text else text
