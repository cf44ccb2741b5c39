"""Decode bodies and queries into structs, strictly. The fast path stops at the first fault. Only then is the input
checked member by member, so that all faults are reported at once.
"""

import re
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from itertools import chain, islice
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar, cast, get_args, get_origin

import msgspec

from ..kit.errors import Fault, Invalid
from ..kit.i18n import translatable as _
from ..kit.structs import list_members
from . import json_text
from .constraints import STRUCT, clean, options, passes, unwrap
from .json_text import HAS_INVALID_CHARACTER, MAX_FAULTS, invalid_characters, member_pointer, raise_any
from .url_encoding import parse_pairs

T = TypeVar("T")
MESSAGES: Final[tuple[tuple[str, str], ...]] = (
    (
        r"Expected `datetime` with a timezone|Invalid RFC3339 encoded datetime|Expected `datetime",
        _("must be a date and time with an offset, such as 2027-03-01T08:30:00Z"),
    ),
    (r"Invalid RFC3339 encoded date|Expected `date", _("must be a date, such as 2027-03-01")),
    (r"Invalid UUID|Expected `uuid", _("must be a UUID")),
    (r"Expected `str` of length >= (?P<n>\d+)", _("is too short; minimum length: {n}")),
    (r"Expected `str` of length <= (?P<n>\d+)", _("is too long; maximum length: {n}")),
    (r"Expected `array` of length >= (?P<n>\d+)", _("has too few items; minimum: {n}")),
    (r"Expected `array` of length <= (?P<n>\d+)", _("has too many items; maximum: {n}")),
    (r"Expected `int` >= (?P<n>-?\d+)", _("must be at least {n}")),
    (r"Expected `int` <= (?P<n>-?\d+)", _("must be no more than {n}")),
    (r"Expected `str` matching regex", _("is not in the required format")),
    (r"Invalid enum value", _("is not one of the allowed values")),
    (r"Expected `int", _("must be a whole number")),
    (r"Expected `float", _("must be a number")),
    (r"Expected `str", _("must be text")),
    (r"Expected `bool", _("must be true or false")),
    (r"Expected `array", _("must be a list")),
    (r"Expected `object", _("must be an object")),
)

WHOLE_NUMBER: Final = re.compile("-?[0-9]{1,19}")
"""A number in a query."""
NOT_A_NUMBER: Final = re.compile("[^-]{4}-.*", re.DOTALL)
"""Text that starts like a date. The library would accept seconds since 1970."""


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """The query of an operation without parameters."""


def body(type: type[T], raw: bytes) -> T:
    """Decode a JSON body. Raise `Invalid` with all its faults."""
    try:
        value = cast("T", _decoder(type).decode(raw))
    # validation errors are decode errors too
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Invalid):
        value = None
    plain = json_text.parse(raw)  # the decoder silently accepts repeated keys and NUL characters
    # the decoder rejects whole numbers that are written as floats
    if value is None and not _faults(type, plain, IN_BODY):
        value = msgspec.convert(plain, type)
    if value is None or not passes(type, value):
        raise Invalid(*(_faults(type, plain, IN_BODY)[:MAX_FAULTS] or [Fault("#", "is not valid")]))
    clean(type, value)
    return value


def convert(type: type[T], values: Mapping[str, Any]) -> T:
    """Convert a form's fields or a command's options to the struct for a body. Raise `Invalid` with all faults."""
    raise_any(invalid_characters(values, "#", "/"))
    raise_any(_faults(type, values, IN_BODY))
    value = msgspec.convert(values, type)
    clean(type, value)
    return value


def query(type: type[T], raw: bytes) -> T:
    """Decode a query string. Only members that are lists may be repeated. Raise `Invalid` with all faults."""
    try:
        pairs = parse_pairs(raw) if raw.isascii() else None
    except ValueError:
        pairs = None
    if pairs is None:
        raise Invalid(Fault("?", "is not a valid UTF-8 query string"))
    if (value := _plain_query(type, pairs)) is not None:
        return value
    names = [name for name, _ in pairs]
    lists = list_members(type).intersection(names)
    values = dict(pairs) | {name: [value for other, value in pairs if other == name] for name in lists}
    repeated = [
        Fault(f"?{name}", "must not be given more than once")
        for name in values
        if names.count(name) > 1 and name not in lists
    ]
    raise_any([*repeated, *invalid_characters(values, "?", ""), *_faults(type, values, IN_QUERY)])
    value = msgspec.convert(values, type, strict=False)
    clean(type, value)
    return value


def _plain_query(type: type[T], pairs: list[tuple[str, str]]) -> T | None:
    """Return the decoded query if it is certain to have no faults, without checking it member by member."""
    values = dict(pairs)
    lists, lenient = _query_members(type)
    if len(values) < len(pairs) or not lists.isdisjoint(values):
        return None
    if any(HAS_INVALID_CHARACTER(text) or text.lower() == "null" for text in chain(values, values.values())):
        return None  # the library takes null for None
    if not all(lenient[name].fullmatch(values[name]) for name in lenient.keys() & values.keys()):
        return None
    try:
        value = msgspec.convert(values, type, strict=False)
    except (msgspec.ValidationError, Invalid):
        return None
    if not passes(type, value):
        return None
    clean(type, value)
    return value


@cache
def _query_members(type: Any) -> tuple[frozenset[str], Mapping[str, re.Pattern[str]]]:
    """Return the members that are lists, and what the values of members must look like for which the library accepts
    more than we do."""
    lenient: dict[str, re.Pattern[str]] = {}
    for field in msgspec.structs.fields(type):
        inner = {unwrap(option)[0] for option in options(unwrap(field.type)[0])}
        if datetime in inner:
            lenient[field.encode_name] = NOT_A_NUMBER
        elif int in inner:
            lenient[field.encode_name] = WHOLE_NUMBER
    return frozenset(list_members(type)), lenient


@cache
def _decoder(type: type[T]) -> "msgspec.json.Decoder[T]":
    return msgspec.json.Decoder(type)


class _Place(NamedTuple):
    """A value's location, which is used for its faults' pointers, and whether to convert it strictly."""

    pointer: str
    separator: str
    strict: bool

    def member(self, name: str) -> "_Place":
        return _Place(member_pointer(self.pointer, self.separator, name), "/", self.strict)

    def item(self, index: int) -> "_Place":
        return _Place(f"{self.pointer}{self.separator}{index}", "/", self.strict)


def _faults(type: Any, value: Any, place: _Place) -> list[Fault]:
    """Return every reason why `value` is not a valid `type`."""
    type, metas = unwrap(type)
    if value is None and types.NoneType in options(type):
        return []
    choices = [option for option in options(type) if option not in (types.NoneType, msgspec.UnsetType)]
    if len(choices) == 1:
        type, more = unwrap(choices[0])
        metas = [*metas, *more]
    if isinstance(value, dict) and isinstance(type, STRUCT):
        return _struct_faults(type, cast("dict[str, Any]", value), place)
    inspect = _INSIDE.get((cast("Any", value).__class__, get_origin(type)))
    return (inspect and inspect(type, value, metas, place)) or _value_faults(type, value, metas, place)


def _item_faults(type: Any, value: list[Any], metas: list[msgspec.Meta], place: _Place) -> list[Fault]:
    (item_type,) = get_args(type)
    longest = next((meta.max_length for meta in metas if meta.max_length is not None), None)
    if longest is not None and len(value) > longest:  # don't check the items
        return [Fault(place.pointer, "has too many items; maximum: {n}", n=longest)]
    return _first(_faults(item_type, item, place.item(index)) for index, item in enumerate(value))


def _entry_faults(type: Any, value: dict[str, Any], _: object, place: _Place) -> list[Fault]:
    _, item_type = get_args(type)
    return _first(_faults(item_type, item, place.member(key)) for key, item in value.items())


_INSIDE: Final[Mapping[tuple[Any, Any], Callable[[Any, Any, list[msgspec.Meta], _Place], list[Fault]]]] = {
    (list, list): _item_faults,
    (dict, dict): _entry_faults,
}
"""Functions that check a value's contents, keyed by the value's type and the expected type."""


def _first(faults: Iterable[list[Fault]]) -> list[Fault]:
    return list(islice(chain.from_iterable(faults), MAX_FAULTS))


def _value_faults(type: Any, value: Any, metas: list[msgspec.Meta], place: _Place) -> list[Fault]:
    """Return the first fault in the value itself, checking its type, then its constraints, then our own rules."""
    expected = Annotated[type, *metas] if metas else type
    if not place.strict and type is int and isinstance(value, str) and not WHOLE_NUMBER.fullmatch(value):
        return [Fault(place.pointer, "must be a whole number")]  # the library would accept 1e2 and 100.0
    if type is datetime:  # otherwise a number in a query would be seconds since 1970
        place = place._replace(strict=True)
    converted, faults = _converted(expected, value, place, reported_type=type)
    if faults:
        return faults
    texts = (check(converted) for meta in metas if (check := (meta.extra or {}).get("check")))
    return [Fault(place.pointer, text) for text in texts if text][:1]


def _struct_faults(struct: type[msgspec.Struct], value: dict[str, Any], place: _Place) -> list[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    unknown = (name for name in value if name not in fields) if struct.__struct_config__.forbid_unknown_fields else ()
    text = _("is not a known field or parameter")
    faults = [Fault(place.member(name).pointer, text) for name in islice(unknown, MAX_FAULTS)]
    for name, field in fields.items():
        if name in value:
            faults += _faults(field.type, value[name], place.member(name))
        elif field.required:
            faults.append(Fault(place.member(name).pointer, "is missing"))
    return faults or _converted(struct, value, place, reported_type=struct)[1]


def _converted(expected: Any, value: Any, place: _Place, *, reported_type: Any) -> tuple[Any, list[Fault]]:
    """Return the converted value and its faults. Faults that concern the type give `reported_type` as the expected
    type.
    """
    try:
        return msgspec.convert(value, expected, strict=place.strict), []
    except Invalid as error:  # raised by the struct's own rules
        return None, [Fault(_join(place.pointer, fault.pointer), fault.text, **fault.values) for fault in error.faults]
    except msgspec.ValidationError as error:
        return None, [_fault(str(error), place.pointer, reported_type)]


IN_BODY: Final = _Place("#", "/", strict=True)
IN_QUERY: Final = _Place("?", "", strict=False)


def _join(pointer: str, inner: str) -> str:
    """Prefix a struct's own pointer (`#/name`) with the struct's location, which only the caller knows."""
    return f"?{inner.removeprefix('#/')}" if pointer == "?" else f"{pointer}{inner.removeprefix('#')}"


def _fault(message: str, pointer: str, type: Any) -> Fault:
    if get_origin(type) is Literal:
        values = (str(value).lower() if isinstance(value, bool) else str(value) for value in get_args(type))
        return Fault(pointer, "must be one of: {values}", values=", ".join(values))
    for pattern, text in MESSAGES:
        if match := re.match(pattern, message):
            return Fault(pointer, text, **match.groupdict())
    return Fault(pointer, "is not valid")
