"""Invitations that calendars read: iCalendar objects (RFC 5545) as organisers send them (iTIP, RFC 5546). And addresses
that put the same into calendars on the web."""

from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from icalendar import CLASS, STATUS, Calendar, Event, vCalAddress

from .i18n import one_line

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
PRODUCT: Final = "-//Appoint//Appoint//EN"
GOOGLE: Final = "https://calendar.google.com/calendar/render?"
OUTLOOK: Final = "https://outlook.live.com/calendar/0/deeplink/compose?"


class Person(NamedTuple):
    name: str
    email: str


def invitation(
    method: Method,
    *,
    id: UUID,
    sequence: int,
    stamp: datetime,
    start: datetime,
    end: datetime,
    summary: str,
    description: str,
    location: str,
    organizer: Person,
    attendee: Person | None,
) -> str:
    """An entry for the attendee's calendar, or its withdrawal. Whoever fetches one by themself (`PUBLISH`) is no
    attendee of it.

    Calendars know the entry by `id`, and of two invitations to it believe the one with the greater `sequence`. `stamp`
    is when this one was made.
    """
    event = Event.new(
        uid=str(id),
        sequence=sequence,
        stamp=stamp,
        # In UTC: Outlook, Google and Apple all show it in the reader's own zone. A named zone would need its rules
        # written out, which Outlook reads
        # by names of its own, and would tell nothing more, since an appointment does not recur.
        start=start,
        end=end,
        summary=summary,
        description=description or None,
        location=location or None,
        organizer=vCalAddress.new(organizer.email, cn=_said(organizer.name)),
        # accepted already, by booking; nobody reads replies
        attendees=[
            vCalAddress.new(
                attendee.email, cn=_said(attendee.name), role="REQ-PARTICIPANT", partstat="ACCEPTED", rsvp=False
            )
        ]
        if attendee
        else None,
        status=STATUS.CANCELLED if method == "CANCEL" else STATUS.CONFIRMED,
        classification=CLASS.PRIVATE,  # who shares a calendar does not thereby share visits to a doctor
    )
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    return calendar.to_ical().decode()


def google(*, start: datetime, end: datetime, summary: str, location: str) -> str:
    between = "/".join(f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}" for instant in (start, end))
    return GOOGLE + urlencode({"action": "TEMPLATE", "text": summary, "dates": between, "location": location})


def outlook(*, start: datetime, end: datetime, summary: str, location: str) -> str:
    first, last = (f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for instant in (start, end))
    about = {"subject": summary, "startdt": first, "enddt": last, "location": location}
    return OUTLOOK + urlencode({"path": "/calendar/action/compose", "rru": "addevent", **about})


def _said(name: str) -> str:
    """A name as a parameter can say it: those know no escapes (RFC 5545, 3.2), and some readers take a backslash for
    the beginning of one."""
    return one_line(name).replace("\\", "/")
