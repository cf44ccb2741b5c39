"""A name says what a thing is, not what happened to it (docs/writing.md)."""

import json
from pathlib import Path

from support.names import SOURCE, participles

ALLOWED: dict[str, int] = json.loads(Path(__file__).with_name("participles.json").read_text())
"""How many bare participles may remain in each group. Numbers may only fall: lower them whenever you rename."""


def test_no_group_gains_a_name_that_is_a_bare_participle():
    assert {group: count for group, count in participles().items() if count > ALLOWED.get(group, 0)} == {}


def test_the_list_names_only_groups_that_exist():
    assert [group for group in ALLOWED if not (SOURCE / group).exists()] == []
