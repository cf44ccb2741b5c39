"""Invitations survive a round trip through a calendar reader."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from appoint.kit.icalendar_files import Person, invitation

ID = UUID("00000001-0197-818c-8c22-0201f9661508")
DETAILS = {
    "id": ID,
    "sequence": 2,
    "stamp": datetime(2027, 2, 1, 10, 15, tzinfo=UTC),
    "start": datetime(2027, 3, 1, 8, 30, tzinfo=UTC),
    "end": datetime(2027, 3, 1, 9, 0, tzinfo=UTC),
    "summary": "Check-up, Dr. Shah",
    "description": "We look forward to seeing you.",
    "location": "Seestraße 12, 13353 Berlin",
    "organizer": Person("Lakeside Clinic", "desk@lakeside.example.org"),
    "attendee": Person("Ana Souza", "ana@example.org"),
}


def read(method="REQUEST", **changes):
    calendar = Calendar.from_ical(invitation(method, **{**DETAILS, **changes}))
    (event,) = calendar.events
    return calendar, event


def test_an_invitation_contains_the_subject_time_place_and_people():
    calendar, event = read()
    assert (calendar["METHOD"], calendar["VERSION"], calendar["PRODID"]) == (
        "REQUEST",
        "2.0",
        "-//Appoint//Appoint//EN",
    )
    assert {
        name: event[name] for name in ("UID", "SEQUENCE", "STATUS", "SUMMARY", "DESCRIPTION", "LOCATION", "CLASS")
    } == {
        "UID": str(ID),
        "SEQUENCE": 2,
        "STATUS": "CONFIRMED",
        "SUMMARY": DETAILS["summary"],
        "DESCRIPTION": DETAILS["description"],
        "LOCATION": DETAILS["location"],
        "CLASS": "PRIVATE",
    }
    assert (event.start, event.end, event.stamp) == (DETAILS["start"], DETAILS["end"], DETAILS["stamp"])
    assert (event["ORGANIZER"], event["ORGANIZER"].params["CN"]) == (
        "mailto:desk@lakeside.example.org",
        "Lakeside Clinic",
    )
    assert (event["ATTENDEE"], event["ATTENDEE"].params["CN"]) == ("mailto:ana@example.org", "Ana Souza")
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"


def test_times_are_in_utc():
    lines = invitation("REQUEST", **DETAILS).split("\r\n")
    assert {"DTSTART:20270301T083000Z", "DTEND:20270301T090000Z", "DTSTAMP:20270201T101500Z"} <= set(lines)


def test_a_cancellation_withdraws_the_same_entry():
    calendar, event = read("CANCEL", sequence=3)
    assert (calendar["METHOD"], event["UID"], event["SEQUENCE"], event["STATUS"]) == ("CANCEL", str(ID), 3, "CANCELLED")


def test_the_same_details_produce_the_same_invitation():
    assert invitation("REQUEST", **DETAILS) == invitation("REQUEST", **DETAILS)


def test_a_line_has_at_most_75_bytes():
    text = invitation("REQUEST", **{**DETAILS, "summary": "Ärztin " * 60})
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75


@pytest.mark.parametrize(
    "name", ['Praxis "Am See"; Dr. Müller, Söhne & Co: ^n', "王小明", "O’Neill n", "<b>Ana</b>", "é" * 200]
)
def test_an_unusual_name_is_read_back_unchanged(name):
    _, event = read(
        summary=name,
        location=name,
        organizer=Person(name, "desk@example.org"),
        attendee=Person(name, "ana@example.org"),
    )
    assert {event["SUMMARY"], event["LOCATION"], event["ORGANIZER"].params["CN"], event["ATTENDEE"].params["CN"]} == {
        name
    }


def test_a_backslash_stays_in_text_but_becomes_a_slash_in_names():
    _, event = read(summary="a\\", attendee=Person("O’Neill\\", "ana@example.org"))
    assert (event["SUMMARY"], event["ATTENDEE"].params["CN"], event["ATTENDEE"]) == (
        "a\\",
        "O’Neill/",
        "mailto:ana@example.org",
    )


def test_line_breaks_stay_in_text_but_are_removed_from_names():
    _, event = read(
        location="Seestraße 12\n13353 Berlin",
        attendee=Person("Ana\r\nATTENDEE:mailto:eve@example.org\x07", "ana@example.org"),
    )
    assert event["LOCATION"] == "Seestraße 12\n13353 Berlin"
    assert (event["ATTENDEE"], event["ATTENDEE"].params["CN"]) == (
        "mailto:ana@example.org",
        "Ana ATTENDEE:mailto:eve@example.org",
    )


texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=80)


@given(summary=texts, location=texts, name=texts.map(lambda text: " ".join(text.split())))
def test_any_typed_text_produces_one_entry_with_one_attendee(summary, location, name):
    _, event = read(summary=summary, location=location, attendee=Person(name, "ana@example.org"))
    assert (event["SUMMARY"], event["LOCATION"], event["ATTENDEE"]) == (summary, location, "mailto:ana@example.org")
    assert event["ATTENDEE"].params.get("CN", "") == name.replace("\\", "/")
