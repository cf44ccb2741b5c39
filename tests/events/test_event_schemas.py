"""The documented JSON schemas for events match the catalogue."""

import json
from pathlib import Path

import pytest

from appoint.events.facts import CATALOGUE
from appoint.events.schemas import schema

SCHEMAS = Path(__file__).parents[2] / "docs" / "events"


@pytest.mark.parametrize("type", CATALOGUE)
def test_a_documented_schema_matches_the_catalogue(type):
    assert json.loads((SCHEMAS / f"{type}.json").read_text()) == schema(type)


def test_exactly_the_events_in_the_catalogue_have_a_schema():
    assert sorted(path.stem for path in SCHEMAS.glob("*.json")) == sorted(CATALOGUE)
