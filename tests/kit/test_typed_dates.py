"""Dates as people type them into forms."""

import pytest

from appoint.http.forms import parse_date
from appoint.kit.regions import is_day_first
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
        ("2019/5/1", "2019-05-01"),
        ("2019. 5. 1.", "2019-05-01"),
    ],
)
def test_a_date_that_can_be_read_in_only_one_way_is_understood(typed, date):
    assert iso_date(typed) == date


@pytest.mark.parametrize("typed", ["03/04/2019", "3-4-2019", "1/5.2019", "31/12/19", "yesterday", "", "1/2/3/2019"])
def test_anything_else_stays_unchanged_for_the_form_to_refuse(typed):
    assert iso_date(typed) == typed


@pytest.mark.parametrize("typed", ["32/13/2019", "31.02.2019", "0/0/2019"])
def test_a_date_that_does_not_exist_is_still_refused(typed):
    assert parse_date(iso_date(typed)) is None


@pytest.mark.parametrize(
    ("tag", "typed", "date"),
    [
        ("en-GB", "3/12/2026", "2026-12-03"),
        ("en-US", "3/12/2026", "2026-03-12"),
        ("en-DE", "3/12/2026", "2026-12-03"),
        ("es-MX", "3/12/2026", "2026-12-03"),
        ("es-PR", "3/12/2026", "2026-03-12"),
        ("de", "3-12-2026", "2026-12-03"),
        ("fr-CH", "3.12.2026", "2026-12-03"),
        ("en-US", "3.12.2026", "2026-12-03"),
        ("en-US", "31/12/2026", "2026-12-31"),
        ("en-GB", "12/31/2026", "2026-12-31"),
        ("en", "3/12/2026", "3/12/2026"),
        ("en-CA", "3/12/2026", "3/12/2026"),
    ],
)
def test_the_readers_region_decides_between_day_and_month(tag, typed, date):
    assert iso_date(typed, day_first=is_day_first(tag)) == date
