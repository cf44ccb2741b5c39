"""Formats follow the reader's region, or else the clinic's country."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from babel.dates import get_day_names, get_month_names
from hypothesis import given
from hypothesis import strategies as st

from appoint.http.languages import region_of_reader
from appoint.kit import clock, date_formats, phones, regions
from appoint.kit.i18n import LANGUAGES
from appoint.kit.money import Money
from appoint.site import filters

AFTERNOON = datetime(2027, 3, 1, 13, 5, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
BERLIN = "Europe/Berlin"
REGIONS = {
    "en-GB": ("Monday, 1 March 2027", "14:05–14:35", "Mon, 1 Mar 2027", "1 Mar 2027"),
    "en-US": ("Monday, March 1, 2027", "2:05 – 2:35 PM", "Mon, Mar 1, 2027", "Mar 1, 2027"),
    "en-IN": ("Monday, 1 March 2027", "2:05 – 2:35 pm", "Mon, 1 Mar, 2027", "1 Mar 2027"),
    "en-DE": ("Monday, 1 March 2027", "14:05–14:35", "Mon, 1 Mar 2027", "1 Mar 2027"),
    "de-DE": ("Montag, 1. März 2027", "14:05–14:35 Uhr", "Mo., 1. März 2027", "01.03.2027"),
    "de-AT": ("Montag, 1. März 2027", "14:05–14:35 Uhr", "Mo., 1. März 2027", "01.03.2027"),
    "de-CH": ("Montag, 1. März 2027", "14:05–14:35 Uhr", "Mo., 1. März 2027", "01.03.2027"),
    "fr-FR": ("lundi 1 mars 2027", "14:05 – 14:35", "lun. 1 mars 2027", "1 mars 2027"),
    "fr-CA": ("lundi 1 mars 2027", "14 h 05 – 14 h 35", "lun. 1 mars 2027", "1 mars 2027"),
    "es-ES": ("lunes, 1 de marzo de 2027", "14:05–14:35", "lun, 1 mar 2027", "1 mar 2027"),
    "es-MX": ("lunes, 1 de marzo de 2027", "2:05–2:35 p.m.", "lun, 1 de mar de 2027", "1 mar 2027"),
}


def spaced(text: str) -> str:
    return text.replace("\xa0", " ")


@pytest.mark.parametrize("tag", REGIONS)
def test_dates_and_times_follow_the_region(tag):
    assert (
        date_formats.day(AFTERNOON, BERLIN, tag),
        spaced(date_formats.hours(AFTERNOON, AFTERNOON + HALF_AN_HOUR, BERLIN, tag)),
        date_formats.day(AFTERNOON, BERLIN, tag, "short"),
        filters.local_date(AFTERNOON.date(), tag, "medium"),
    ) == REGIONS[tag]


def test_austrians_have_their_own_name_for_january():
    assert date_formats.day(datetime(2027, 1, 4, tzinfo=UTC), BERLIN, "de-AT") == "Montag, 4. Jänner 2027"


@pytest.mark.parametrize(
    ("tag", "weekday"),
    [
        ("en-GB", "Monday"),
        ("en-US", "Sunday"),
        ("en-IN", "Sunday"),
        ("de-AT", "Monday"),
        ("fr-CA", "Sunday"),
        ("es-ES", "Monday"),
        ("es-MX", "Sunday"),
        ("en-EG", "Saturday"),
    ],
)
def test_the_week_begins_on_the_regions_first_day(tag, weekday):
    assert get_day_names("wide", locale="en")[regions.week(tag)[0]] == weekday


@pytest.mark.parametrize(
    ("tag", "amount"),
    [
        ("en-GB", "€1,234.50"),
        ("en-IN", "€1,234.50"),
        ("de-DE", "1.234,50 €"),
        ("de-AT", "€ 1.234,50"),
        ("de-CH", "EUR 1’234.50"),
        ("fr-CA", "1 234,50 €"),
        ("es-MX", "EUR1,234.50"),
    ],
)
def test_amounts_follow_the_region(tag, amount):
    assert spaced(filters.money(Money(123_450, "EUR"), tag)) == amount


@pytest.mark.parametrize(
    ("number", "tag", "text"),
    [
        ("+493012345678", "de-DE", "030 12345678"),
        ("+493012345678", "en-DE", "030 12345678"),
        ("+493012345678", "de-AT", "+49 30 12345678"),
        ("+12125550123", "en-US", "(212) 555-0123"),
        ("+12125550123", "fr-CA", "+1 212-555-0123"),
        ("+442079460123", "en-GB", "020 7946 0123"),
        ("+442079460123", "en", "+44 20 7946 0123"),
    ],
)
def test_a_phone_number_is_shown_as_it_is_dialled_in_the_region(number, tag, text):
    assert filters.phone(number, tag) == text


@pytest.mark.parametrize("tag", REGIONS)
def test_a_number_shown_in_a_region_can_be_entered_there(tag):
    number = phones.to_e164(filters.phone("+493012345678", tag), time_zone=None, locale=None)
    assert number == (None if regions.region_of(tag) == "DE" else "+493012345678")
    assert phones.to_e164(filters.phone("+493012345678", tag), time_zone=BERLIN) == "+493012345678"


@pytest.mark.parametrize(
    ("header", "region"),
    [
        ("en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7", "GB"),
        ("fr,fr-CA;q=0.8,en-US;q=0.5", "CA"),
        ("de,en-US;q=0.7,en;q=0.3", None),
        ("zh-Hans-CN", "CN"),
        ("de-CH-1996", "CH"),
        ("es-419,es;q=0.9", "419"),
        ("en;q=0.5,en-in", "IN"),
        ("en", None),
        ("en-ZZ", None),
        ("en-150", None),
        ("*", None),
        ("", None),
        (None, None),
    ],
)
def test_the_readers_region_comes_from_their_first_language(header, region):
    assert region_of_reader(header) == region


@pytest.mark.parametrize(
    ("language", "region", "time_zone", "tag"),
    [
        ("en", "GB", BERLIN, "en-GB"),
        ("en", None, BERLIN, "en-DE"),
        ("de", None, "Europe/Vienna", "de-AT"),
        ("fr", None, "America/Toronto", "fr-CA"),
        ("en", None, "UTC", "en"),
        ("en", None, None, "en"),
    ],
)
def test_the_clinics_country_decides_if_the_region_is_unknown(language, region, time_zone, tag):
    assert regions.language_tag(language, region, time_zone) == tag


@pytest.mark.parametrize(
    ("tag", "in_scripts"),
    [
        ("en-DE", "en-DE"),
        ("en-GR", "en-150"),
        ("en-JP", "en-001"),
        ("en", "en-150"),
        ("de-ES", "de"),
        ("fr-CA", "fr-CA"),
        ("es-419", "es-419"),
    ],
)
def test_a_combination_without_a_locale_uses_the_nearest_one(tag, in_scripts):
    assert regions.script_tag(tag) == in_scripts


@pytest.mark.parametrize(
    ("tag", "delimiter"),
    [("en-GB", ","), ("en-US", ","), ("en-DE", ";"), ("de-CH", ";"), ("fr-CA", ";"), ("es-ES", ";"), ("es-MX", ",")],
)
def test_csv_columns_are_separated_as_spreadsheets_in_the_region_expect(tag, delimiter):
    assert regions.csv_delimiter(tag) == delimiter


FIELDS = re.compile(r"'([^']*)'|([yMdEHhmaLc]+)|([^'yMdEHhmaLc]+)")


def pattern_of(cldr: str, locale: Any) -> str:
    """Return a regular expression for texts in a CLDR pattern."""
    parts: list[str] = []
    for quoted, field, literal in FIELDS.findall(cldr):
        letter, length = field[:1], len(field)
        width = "wide" if length == 4 else "abbreviated"
        if letter in ("M", "L") and length > 2:
            names = get_month_names(width, locale=locale).values()
            parts.append(f"(?P<month_{width}>{'|'.join(map(re.escape, names))})")
        elif letter in ("E", "c"):
            parts.append(f"(?:{'|'.join(map(re.escape, get_day_names(width, locale=locale).values()))})")
        elif letter == "a":
            parts.append(r"(?P<period>[AaPp])\.? ?[Mm]\.?")
        elif letter:
            name = {"y": "year", "M": "month", "d": "day", "H": "hour", "h": "half_hour", "m": "minute"}[letter]
            parts.append(rf"(?P<{name}>\d+)")
        else:
            parts.append(re.escape(quoted or literal))
    return "".join(parts)


def parse(text: str, tag: str, width: str, time_zone: str) -> datetime:
    """Return the instant expressed by a text from `date_formats.moment`."""
    locale: Any = regions.locale_of(tag, time_zone)
    day = locale.date_formats["full"] if width == "full" else locale.datetime_skeletons["yMMMEd"]
    date, time = (pattern_of(each.pattern, locale) for each in (day, locale.time_formats["short"]))
    place = r"[^()]*?(?P<offset>UTC[+-]\d\d:\d\d)?"
    form = rf"{date}, {time}(?: Uhr)? \({place}\)".translate(date_formats.SPACE_SUBSTITUTES)
    match = re.fullmatch(form.replace("\\ ", " "), text)
    assert match, (text, form)
    found = match.groupdict()
    for style in ("wide", "abbreviated"):
        if name := found.get(f"month_{style}"):
            names = get_month_names(style, locale=locale)
            found["month"] = next(number for number, each in names.items() if each == name)
    hour = int(found.get("hour") or int(found["half_hour"]) % 12)
    if (found.get("period") or "").lower() == "p":
        hour += 12
    date_parts = [int(found[name]) for name in ("year", "month", "day")]
    zone = clock.zone(time_zone)
    candidates = [datetime(*date_parts, hour, int(found["minute"]), tzinfo=zone, fold=fold) for fold in (0, 1)]
    offset = found.get("offset")
    return next(
        each.astimezone(UTC) for each in candidates if offset is None or f"UTC{each:%z}" == offset.replace(":", "")
    )


@given(
    at=st.integers(29_000_000, 57_000_000).map(lambda minutes: datetime.fromtimestamp(minutes * 60, UTC)),
    time_zone=st.sampled_from([BERLIN, "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    tag=st.sampled_from([*REGIONS, *LANGUAGES, "en-JP", "en-GR", "es-419", "fr-CH", "de-ES"]),
    width=st.sampled_from(["full", "short"]),
)
def test_a_formatted_time_can_be_read_back(at, time_zone, tag, width):
    assert parse(date_formats.moment(at, time_zone, tag, width), tag, width, time_zone) == at


@pytest.mark.parametrize("tag", REGIONS)
def test_both_times_in_a_repeated_hour_can_be_read_back(tag):
    for at in (datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)):
        text = date_formats.moment(at, BERLIN, tag, with_zone=False)
        assert parse(text, tag, "full", BERLIN) == at


def test_english_without_a_region_cannot_be_misread():
    moment = date_formats.moment(datetime(2026, 12, 3, 14, 5, tzinfo=UTC), "UTC", "en", "short")
    assert moment == "Thu, 3 Dec 2026, 14:05 (UTC)"
    assert regions.week("en") == list(range(7))


@pytest.mark.parametrize(
    ("tag", "region"), [("de", "DE"), ("de-AT", "AT"), ("es", "ES"), ("en", None), ("en-IN", "IN")]
)
def test_a_language_without_a_region_is_most_likely_read_where_most_of_its_speakers_live(tag, region):
    assert regions.likely_region(tag) == region
