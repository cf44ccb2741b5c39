"""Bodies are parsed strictly and in linear time."""

import json

import pytest

from appoint.http.json_text import MAX_DEPTH, MAX_SEARCHED_BYTES, Malformed, parse
from appoint.kit.errors import Invalid


def nested(depth: int) -> bytes:
    return b'[{"a":' * (depth // 2) + b"[]" * (depth % 2) + b"1" * (1 - depth % 2) + b"}]" * (depth // 2)


def test_lists_and_objects_have_a_maximum_depth():
    assert parse(nested(MAX_DEPTH)) == json.loads(nested(MAX_DEPTH))
    with pytest.raises(Malformed) as error:
        parse(nested(MAX_DEPTH + 1))
    assert [(fault.pointer, fault.text) for fault in error.value.faults] == [("#", "is nested too deeply")]


@pytest.mark.parametrize(
    "value",
    [
        ["[" * 100, "{" * 100],
        ['"' + "[" * 100, "\\" + "[" * 100, '\\"' + "[" * 100],
        [[1], [2]] * 100,
        {"[" * 100: [{}] * 100},
    ],
)
def test_brackets_count_only_where_they_nest(value):
    assert parse(json.dumps(value).encode()) == value


@pytest.mark.parametrize("raw", [b'"' + b"[" * 100, b"[" * 20 + b'"\\' + b"[" * 100 + b"\\", b"[" * 20 + b"]" * 30])
def test_broken_text_is_not_json(raw):
    with pytest.raises(Malformed):
        parse(raw)


@pytest.mark.parametrize("value", ["\U0001f600", "\\u0000", "\\\\ud800", "\uffff", "\ud7ff", "\ue000"])
def test_every_character_except_nul_and_half_pairs_is_accepted(value):
    assert parse(json.dumps({value: [value]}).encode()) == {value: [value]}


@pytest.mark.parametrize("character", ["\0", "\ud800", "x\udfff", "\udc00\ud800", "\\\0"])
def test_errors_locate_nul_and_half_pairs_unless_the_body_is_large(character):
    def pointers(value: object) -> list[str]:
        with pytest.raises(Invalid) as error:
            parse(json.dumps(value).encode())
        return [fault.pointer for fault in error.value.faults]

    assert pointers({"a": [1, [], character]}) == ["#/a/2"]
    assert pointers({character: 1}) == ["#"]
    assert pointers([0] * (MAX_SEARCHED_BYTES // 3) + [character]) == ["#"]
