"""Parse JSON into plain values. Refuse input that different parsers could read in different ways, or that takes too
long to read.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, islice
from typing import Any, Final, cast
from urllib.parse import quote

import msgspec

from ..kit.errors import Fault, Invalid
from ..kit.i18n import translatable as _

MAX_FAULTS: Final = 100
"""The maximum number of faults that one response reports."""
MAX_NAME_LENGTH: Final = 100
MAX_DEPTH: Final = 32
MAX_EXACT_FLOAT: Final = 2**53
MAX_SEARCHED_BYTES: Final = 32 * 1024
INVALID_CHARACTER: Final = _("contains an invalid character (NUL or an unpaired surrogate)")
STRING: Final = re.compile(rb'"(?:[^"\\]+|\\.?)*"?', re.DOTALL)
"""A string, even an unterminated one. It matches at every quotation mark, so the search never backtracks."""
ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
HAS_UNUSUAL_ESCAPE: Final = re.compile(rb"\\u(?:0000|[Dd][89A-Fa-f])").search
"""Finds the escapes that can produce NUL or an unpaired surrogate."""
HAS_NUL_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000").search
HAS_INVALID_CHARACTER: Final = re.compile("[\0\ud800-\udfff]").search


class Malformed(Invalid):
    """The body is not JSON."""

    def __init__(self, text: str) -> None:
        super().__init__(Fault("#", text), type="malformed-json")


def parse(raw: bytes) -> Any:
    """Parse a request body into plain Python values. Raise `Malformed`, or `Invalid` if a string contains an invalid
    character."""
    if _is_too_deep(raw):
        raise Malformed("is nested too deeply")
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_members, parse_constant=_refuse_constant, parse_float=_number
        )
    except RecursionError:
        raise Malformed("is nested too deeply") from None
    except ValueError:
        raise Malformed("is not valid JSON") from None
    if HAS_UNUSUAL_ESCAPE(raw) and _has_invalid_text(raw, value):
        # in a large body, it would take too long to locate the fault
        faults = (
            invalid_characters(value, "#", "/") if len(raw) <= MAX_SEARCHED_BYTES else [Fault("#", INVALID_CHARACTER)]
        )
        raise_any(faults)
    return value


def _number(text: str) -> float:
    """Return the number. In JSON, `30.0` counts as an integer."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= MAX_EXACT_FLOAT else value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Malformed("contains a duplicate key")
    return values


def _refuse_constant(_name: str) -> Any:
    raise Malformed("is not valid JSON")


def _is_too_deep(raw: bytes) -> bool:
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    brackets = STRING.sub(b"", raw).translate(None, ALL_BUT_BRACKETS)
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0) > MAX_DEPTH


def _has_invalid_text(raw: bytes, value: Any) -> bool:
    """Return whether any string contains an invalid character."""
    if HAS_NUL_ESCAPE(raw):
        return True
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:  # an unpaired surrogate
        return True
    return False


def invalid_characters(value: Any, pointer: str, separator: str) -> Iterator[Fault]:
    """Yield a fault for each string that contains NUL or an unpaired surrogate."""
    if isinstance(value, str):
        if HAS_INVALID_CHARACTER(value):
            yield Fault(pointer, INVALID_CHARACTER)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            if item and isinstance(item, (str, list, dict)):
                yield from invalid_characters(item, f"{pointer}{separator}{index}", "/")
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[Any, Any]", value).items():
            yield from invalid_characters(key, pointer, separator)
            if item and isinstance(item, (str, list, dict)):
                yield from invalid_characters(item, member_pointer(pointer, separator, str(key)), "/")


def member_pointer(pointer: str, separator: str, name: str) -> str:
    """Return a member's location: `#/a~1b` for `a/b` in a body (RFC 6901, as a fragment), `?name` in a query. Truncate
    long names.
    """
    name = name[:MAX_NAME_LENGTH]
    escaped = name.replace("~", "~0").replace("/", "~1") if separator else name
    return pointer + separator + quote(escaped, safe="~!$&'()*+,;=:@?", errors="replace")


def raise_any(faults: Iterable[Fault]) -> None:
    """Raise `Invalid` if there are any faults."""
    if reported := list(islice(faults, MAX_FAULTS)):
        raise Invalid(*reported)
