"""Dates as people type them into forms."""

import pytest

from appoint.http.forms import parse_date
from appoint.kit.typed_text import iso_date


@pytest.mark.parametrize(
    ("typed", "date"),
    [
        ("2019-05-01", "2019-05-01"),
        ("31/12/2019", "2019-12-31"),
        ("31-12-2019", "2019-12-31"),
        ("12/31/2019", "2019-12-31"),
        ("1.5.2019", "2019-05-01"),
        (" 01. 05. 2019 ", "2019-05-01"),
        ("04/04/2019", "2019-04-04"),
    ],
)
def test_a_date_that_can_be_read_in_only_one_way_is_understood(typed, date):
    assert iso_date(typed) == date


@pytest.mark.parametrize("typed", ["03/04/2019", "3-4-2019", "1/5.2019", "31/12/19", "yesterday", "", "1/2/3/2019"])
def test_anything_else_is_left_to_the_form_to_refuse(typed):
    assert iso_date(typed) == typed


@pytest.mark.parametrize("typed", ["32/13/2019", "31.02.2019", "0/0/2019"])
def test_a_date_that_does_not_exist_is_still_refused(typed):
    assert parse_date(iso_date(typed)) is None
