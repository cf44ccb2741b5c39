"""Queries without faults take a short cut, and decode to the same values as on the long way."""

import msgspec
import pytest

from appoint.http import decoding
from appoint.kit.errors import Invalid
from appoint.kit.structs import RequestBody
from appoint.server import app

VALUES = (
    *("", "null", "NULL", "true", "1", "01", "-5", "+5", "1e2", "100.0", "1_0", " 5", "9" * 20, "0x10", "\uff11"),
    *("2027-03-01", "2027-03-01T08:00:00Z", "2027-03-01T08:00Z", "1234567890", "2027-03-01T08:00:30Z", "0001-01-01"),
    *("booked", "free", "x" * 2000, "00000001-0000-8000-8000-000000000000", "\0", "\ud800"),
)


def structs(base=RequestBody):
    for struct in base.__subclasses__():
        yield struct
        yield from structs(struct)


def members():
    """Return one struct and member for each type that a query's member has anywhere in the API."""
    assert app.API
    found = {}
    for struct in (struct for struct in structs() if struct.__name__.endswith(("Filter", "Query", "Cancellation"))):
        for field in msgspec.structs.fields(struct):
            found.setdefault(str(field.type), (struct, field.encode_name))
    return found.values()


def outcome_of(struct, pairs):
    raw = "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "surrogatepass")
    quoted = "".join(f"%{byte:02X}" if byte > 126 or byte <= 32 else chr(byte) for byte in raw).encode()
    try:
        return decoding.query(struct, quoted)
    except Invalid as error:
        return [(fault.pointer, fault.text) for fault in error.faults]


@pytest.fixture
def decode_without_short_cut(monkeypatch):
    def decode(struct, pairs):
        with monkeypatch.context() as patch:
            patch.setattr(decoding, "_plain_query", lambda *_: None)
            return outcome_of(struct, pairs)

    return decode


def test_the_short_cut_accepts_exactly_what_the_long_way_accepts(decode_without_short_cut):
    cases = [(struct, [(name, value)]) for struct, name in members() for value in VALUES]
    assert len(cases) > 300
    differences = [case for case in cases if repr(outcome_of(*case)) != repr(decode_without_short_cut(*case))]
    assert differences == []


def test_repeated_unknown_and_several_wrong_parameters_are_all_reported(decode_without_short_cut):
    for struct, name in members():
        for pairs in ([(name, "1"), (name, "1")], [("nonsense", "1")], [(name, "\0"), ("nonsense", "1")]):
            assert repr(outcome_of(struct, pairs)) == repr(decode_without_short_cut(struct, pairs))
