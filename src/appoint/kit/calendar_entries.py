"""An appointment as calendars show it, and links that add it to web calendars.

People share calendars, so an entry does not contain the patient's name.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from . import date_formats, phones
from .i18n import one_line, translate


class CalendarEntry(NamedTuple):
    """An appointment's calendar entry."""

    start: datetime
    end: datetime
    summary: str
    location: str
    description: str
    url: str | None
    join_url: str | None
    """The page where the patient joins a video visit."""


def calendar_entry(
    language: str,
    *,
    clinic: str,
    doctor: str | None,
    type: str | None,
    online: bool,
    address: str | None,
    phone: str | None,
    start: datetime,
    end: datetime,
    time_zone: str,
    link: str | None,
    can_change: bool,
    join_url: str | None = None,
) -> CalendarEntry:
    """Return the entry for an appointment. `link` leads to the appointment, where its patient can change it if
    `can_change` is true. Without a link, the entry has no description."""
    visit = ", ".join(one_line(part) for part in (type, doctor) if part)
    return CalendarEntry(
        start,
        end,
        summary=", ".join(filter(None, [visit, one_line(clinic)])),
        location=location(language, clinic=clinic, address=address, online=online),
        description=_description(
            language,
            when=date_formats.moment(start, time_zone, language, end=end),
            visit=visit,
            link=link,
            can_change=can_change,
            phone=phone,
            join_url=join_url,
        )
        if link
        else "",
        url=link,
        join_url=join_url,
    )


def location(language: str, *, clinic: str, address: str | None, online: bool) -> str:
    """Return the clinic's name and address, or that the appointment is a video visit."""
    if online:
        return translate(language, "Video visit")
    lines = [one_line(line) for line in (address or "").splitlines() if line.strip()]
    return ", ".join(lines if one_line(clinic) in lines[:1] else [one_line(clinic), *lines])


def _description(
    language: str, *, when: str, visit: str, link: str, can_change: bool, phone: str | None, join_url: str | None
) -> str:
    """Return the lines below an entry's title. They warn that the link works for anyone who sees it."""
    if can_change:
        invitation = translate(language, "To view, reschedule or cancel your appointment:")
        warning = translate(
            language, "Anyone who has this link can cancel your appointment, so be careful who can see this entry."
        )
    else:
        invitation = translate(language, "To view your appointment:")
        warning = translate(
            language, "Anyone who has this link can view your appointment, so be careful who can see this entry."
        )
    parts = [[when, visit], [invitation, link, warning]]
    if join_url:
        parts.insert(1, [translate(language, "Join the video visit: {join_link}", join_link=join_url)])
    if phone:
        parts.append([translate(language, "Phone: {phone}", phone=phones.format_international(phone))])
    return "\n\n".join("\n".join(filter(None, lines)) for lines in parts)


def web_calendar_links(entry: CalendarEntry) -> Mapping[str, str]:
    """Return the links that add an entry to web calendars, keyed by the calendar's name."""
    return {
        "Google": _google(entry),
        "Outlook": _outlook("outlook.live.com", entry),
        "Office 365": _outlook("outlook.office.com", entry),
        "Yahoo": _yahoo(entry),
    }


def _google(entry: CalendarEntry) -> str:
    query = {
        "action": "TEMPLATE",
        "text": entry.summary,
        "dates": f"{_compact(entry.start)}/{_compact(entry.end)}",
        "location": entry.location,
        "details": entry.description,
    }
    return f"https://calendar.google.com/calendar/render?{urlencode(query)}"


def _outlook(host: str, entry: CalendarEntry) -> str:
    first, last = (f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for instant in (entry.start, entry.end))
    query = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": entry.summary,
        "startdt": first,
        "enddt": last,
        "location": entry.location,
        "body": entry.description,
    }
    return f"https://{host}/calendar/0/deeplink/compose?{urlencode(query)}"


def _yahoo(entry: CalendarEntry) -> str:
    query = {
        "v": "60",
        "title": entry.summary,
        "st": _compact(entry.start),
        "et": _compact(entry.end),
        "in_loc": entry.location,
        "desc": entry.description,
    }
    return f"https://calendar.yahoo.com/?{urlencode(query)}"


def _compact(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"
