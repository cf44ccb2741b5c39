"""Calendar invitations: iCalendar objects (RFC 5545) as organisers send them (iTIP, RFC 5546)."""

from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, cast
from uuid import UUID

from .email_addresses import normalize
from .i18n import one_line

Method = Literal["REQUEST", "CANCEL", "PUBLISH"]
PRODUCT_ID: Final = "-//Appoint//Appoint//EN"


class Person(NamedTuple):
    name: str
    email: str


def organizer(clinic: str, sender: str) -> Person:
    """Return an appointment's organizer: the clinic, at the address that emails are sent from.

    Calendars accept an update or a withdrawal only from the organizer of the first invitation, and some only if the
    email's sender is that organizer. The clinic's own address can change, and the patient may have given it as their
    own.
    """
    return Person(clinic, normalize(sender) or sender)


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
    url: str | None = None,
    join_url: str | None = None,
    join_label: str | None = None,
    alarm: timedelta | None = None,
) -> str:
    """Return an entry for the attendee's calendar, or its withdrawal.

    An entry that a person downloads (`PUBLISH`) has no attendee. Calendars identify the entry by `id` and keep the
    version with the highest `sequence`. `stamp` is this version's creation time. `alarm` is how long before the start
    the calendar reminds its owner. An invitation has none, because the attendee's own calendar decides that.
    `join_url` is the page where the attendee joins a video visit (RFC 7986).
    """
    from icalendar import CLASS, STATUS, Alarm, Calendar, Conference, Event, vCalAddress  # noqa: PLC0415  slow to import

    event = Event.new(
        uid=str(id),
        sequence=sequence,
        stamp=stamp,
        # In UTC: Outlook, Google and Apple all convert it to the reader's own zone. A named zone would require its
        # rules in the file, under the names that Outlook uses, and would gain nothing because the appointment does not
        # recur.
        start=start,
        end=end,
        summary=summary,
        description=description or None,
        location=location or None,
        organizer=vCalAddress.new(organizer.email, cn=_parameter(organizer.name)),
        # booking counts as acceptance; replies are not read
        attendees=[
            vCalAddress.new(
                attendee.email, cn=_parameter(attendee.name), role="REQ-PARTICIPANT", partstat="ACCEPTED", rsvp=False
            )
        ]
        if attendee
        else None,
        status=STATUS.CANCELLED if method == "CANCEL" else STATUS.CONFIRMED,
        classification=CLASS.PRIVATE,  # hide visits to the doctor from people who share the calendar
        url=url,
        conferences=[Conference(join_url, feature="VIDEO", label=join_label)] if join_url else None,
    )
    if alarm:
        reminder = cast("Any", Alarm())  # for the same reason as the calendar below
        reminder.add("action", "DISPLAY")
        reminder.add("trigger", -alarm)
        reminder.add("description", summary)
        event.add_component(reminder)
    calendar = cast("Any", Calendar())  # icalendar's types for `add` are incomplete
    calendar.add("prodid", PRODUCT_ID)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    return calendar.to_ical().decode()


def _parameter(name: str) -> str:
    """Return the name as a property parameter.

    Parameters have no escape sequences (RFC 5545, 3.2), but some readers mistake a backslash for the start of one.
    """
    return one_line(name).replace("\\", "/")
