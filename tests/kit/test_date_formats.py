"""Times are formatted in every language, with the name of their zone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appoint.kit import clock, date_formats
from appoint.kit.i18n import LANGUAGES

MONDAY = datetime(2027, 3, 1, 8, 30, tzinfo=UTC)
JULY = datetime(2027, 7, 1, 8, 30, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Monday, 1 March 2027, 09:30–10:00 (Berlin time)"),
        ("en-US", "Monday, March 1, 2027, 9:30 – 10:00 AM (Berlin time)"),
        ("de", "Montag, 1. März 2027, 09:30–10:00 Uhr (Ortszeit Berlin)"),
        ("es", "lunes, 1 de marzo de 2027, 9:30–10:00 (hora de Berlín)"),
        ("fr", "lundi 1 mars 2027, 09:30 – 10:00 (heure locale\xa0: Berlin)"),
    ],
)
def test_a_time_is_formatted_in_the_language_with_its_zone(language, text):
    assert date_formats.moment(MONDAY, "Europe/Berlin", language, end=MONDAY + HALF_AN_HOUR) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Mon, 1 Mar 2027, 09:30 (Berlin time)"),
        ("de", "Mo., 1. März 2027, 09:30 (Ortszeit Berlin)"),
        ("es", "lun, 1 mar 2027, 9:30 (hora de Berlín)"),
        ("fr", "lun. 1 mars 2027, 09:30 (heure locale\xa0: Berlin)"),
    ],
)
def test_text_messages_use_the_short_form(language, text):
    assert date_formats.moment(MONDAY, "Europe/Berlin", language, "short", end=MONDAY + HALF_AN_HOUR) == text


@pytest.mark.parametrize(
    ("time_zone", "name"),
    [
        ("Europe/Berlin", "Berlin time"),
        ("America/New_York", "New York time"),
        ("US/Eastern", "New York time"),
        ("America/St_Johns", "St. John’s time"),
        ("Asia/Kolkata", "Kolkata time"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires time"),
        ("UTC", "UTC"),
        ("Etc/GMT+3", "UTC-03:00"),
    ],
)
def test_a_zone_is_named_after_its_city_whatever_the_season(time_zone, name):
    assert {date_formats.zone(at, time_zone, "en-US") for at in (MONDAY, JULY)} == {name}


def test_the_two_occurrences_of_an_hour_in_autumn_are_distinguishable():
    first = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    instants = [first, first + timedelta(hours=1), first + timedelta(hours=2)]
    assert [date_formats.moment(at, "Europe/Berlin", "de", with_zone=False) for at in instants] == [
        "Sonntag, 31. Oktober 2027, 02:30 Uhr (Ortszeit Berlin, UTC+02:00)",
        "Sonntag, 31. Oktober 2027, 02:30 Uhr (Ortszeit Berlin, UTC+01:00)",
        "Sonntag, 31. Oktober 2027, 03:30 Uhr",
    ]


def test_a_range_across_noon_shows_both_am_and_pm():
    assert (
        date_formats.hours(MONDAY + timedelta(hours=2), MONDAY + timedelta(hours=3), "Europe/Berlin", "en-US")
        == "11:30 AM – 12:30 PM"
    )


def test_whether_two_zones_show_the_same_wall_time_depends_on_the_day():
    assert date_formats.same_wall_time(MONDAY, "Europe/Berlin", "Africa/Lagos")
    assert not date_formats.same_wall_time(JULY, "Europe/Berlin", "Africa/Lagos")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_zone_can_be_named(language):
    for time_zone in clock.ZONES:
        for at in (MONDAY, JULY):
            assert date_formats.zone(at, time_zone, language).strip()


@given(
    at=st.integers(631_152_000, 3_471_292_800).map(
        lambda seconds: datetime.fromtimestamp(seconds, UTC)
    ),  # 1990 to 2080
    time_zone=st.sampled_from(sorted(clock.ZONES)),
    language=st.sampled_from(LANGUAGES),
)
def test_any_time_can_be_formatted(at, time_zone, language):
    local = at.astimezone(clock.zone(time_zone))
    text = date_formats.moment(at, time_zone, language, end=at + HALF_AN_HOUR)
    assert str(local.year) in text
    assert f"{local.minute:02}" in text
    assert not {"\u202f", "\u2009"} & set(text)


def test_a_german_time_without_an_end_is_followed_by_uhr():
    assert date_formats.moment(MONDAY, "Europe/Berlin", "de") == ("Montag, 1. März 2027, 09:30 Uhr (Ortszeit Berlin)")
