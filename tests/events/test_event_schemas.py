"""The documented JSON schemas of events match the catalogue."""

import json
from pathlib import Path

import pytest

from appoint.events import model

SCHEMAS = Path(__file__).parents[2] / "docs" / "events"


@pytest.mark.parametrize("type", model.CATALOGUE)
def test_a_documented_schema_matches_the_catalogue(type):
    assert json.loads((SCHEMAS / f"{type}.json").read_text()) == model.schema(type)


def test_exactly_the_events_of_the_catalogue_have_a_schema():
    assert sorted(path.stem for path in SCHEMAS.glob("*.json")) == sorted(model.CATALOGUE)
