"""The values for placeholders in a message."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from ...customers.corrections.model import Detail
from ...kit import date_formats, phones
from ...kit.i18n import one_line, translatable, translate
from .model import PLACEHOLDERS, Facts, TemplateKey

MAX_LISTED: Final = 100


def placeholder_values(key: TemplateKey, facts: Facts) -> dict[str, str]:
    """Return the values for a message's placeholders. Each is plain text, on a single line except for `appointments`,
    and empty if there is no value."""
    return {name: VALUES[name](key, facts) for name in PLACEHOLDERS[key.kind]}


def _width(key: TemplateKey) -> date_formats.Width:
    return "full" if key.channel == "email" else "short"


def _moment(key: TemplateKey, instant: datetime | None, time_zone: str | None, end: datetime | None = None) -> str:
    if instant is None or not time_zone:
        return ""
    return date_formats.moment(instant, time_zone, key.language, _width(key), end=end)


def _address(facts: Facts) -> str:
    return ", ".join(one_line(part) for part in (facts.clinic_address or "").splitlines() if part.strip())


def _where(key: TemplateKey, facts: Facts) -> str:
    if facts.mode == "online":
        return translate(key.language, "online, not at the clinic")
    return _address(facts) or one_line(facts.clinic)


def _yours(key: TemplateKey, facts: Facts) -> str:
    """Return the time in the customer's time zone if it differs from the time at the clinic."""
    start, own = facts.start_time, facts.customer_time_zone
    if start is None or not own or date_formats.same_wall_time(start, facts.time_zone, own):
        return ""
    return _moment(key, start, own, facts.end_time)


def _day(key: TemplateKey, facts: Facts) -> str:
    start = facts.start_time
    return date_formats.day(start, facts.time_zone, key.language, _width(key)) if start else ""


def _time(key: TemplateKey, facts: Facts) -> str:
    return date_formats.time(facts.start_time, facts.time_zone, key.language) if facts.start_time else ""


def _zone(key: TemplateKey, facts: Facts) -> str:
    return date_formats.zone(facts.start_time, facts.time_zone, key.language, "short") if facts.start_time else ""


def _appointment_lines(key: TemplateKey, facts: Facts) -> Iterator[str]:
    """Yield one line per appointment. Outside an agenda, it includes the day and the doctor."""
    for appointment in facts.appointments[:MAX_LISTED]:
        hours = date_formats.hours(appointment.start_time, appointment.end_time, facts.time_zone, key.language)
        details = [one_line(appointment.customer), one_line(appointment.type)]
        if key.kind != "agenda":
            day = date_formats.day(appointment.start_time, facts.time_zone, key.language, "short")
            hours = f"{day}, {hours}"
            details.insert(1, one_line(appointment.doctor))
        yield ", ".join([hours, *filter(None, details)])
    if (more := len(facts.appointments) - MAX_LISTED) > 0:
        yield translate(key.language, "and {count} more", count=more)


DETAIL_NAMES: Final[Mapping[Detail, str]] = {
    "name": translatable("name"),
    "email": translatable("email address"),
    "phone": translatable("phone number"),
    "locale": translatable("language"),
    "birthDate": translatable("date of birth"),
}


VALUES: Final[Mapping[str, Callable[[TemplateKey, Facts], str]]] = {
    "clinic": lambda _key, facts: one_line(facts.clinic),
    "phone": lambda _key, facts: phones.format_international(facts.clinic_phone) if facts.clinic_phone else "",
    "address": lambda _key, facts: _address(facts),
    "customer": lambda _key, facts: one_line(facts.customer),
    "doctor": lambda _key, facts: one_line(facts.doctor),
    "type": lambda _key, facts: one_line(facts.type),
    "mode": lambda _key, facts: facts.mode,
    "where": _where,
    "when": lambda key, facts: _moment(key, facts.start_time, facts.time_zone, facts.end_time),
    "yours": _yours,
    "day": _day,
    "time": _time,
    "zone": _zone,
    "before": lambda key, facts: _moment(key, facts.old_start_time, facts.time_zone),
    "doctor_before": lambda _key, facts: one_line(facts.old_doctor),
    "cancelled_by": lambda _key, facts: facts.cancelled_by or "",
    "reason": lambda _key, facts: one_line(facts.cancel_reason),
    "expires": lambda key, facts: _moment(key, facts.hold_expires_at, facts.time_zone),
    "count": lambda _key, facts: str(len(facts.appointments)),
    "appointments": lambda key, facts: "\n".join(_appointment_lines(key, facts)),
    "webhook": lambda _key, facts: one_line(facts.webhook),
    "user": lambda _key, facts: one_line(facts.user),
    "link": lambda _key, facts: facts.link or "",
    "details": lambda key, facts: ", ".join(
        translate(key.language, DETAIL_NAMES[detail]) for detail in facts.corrected_details
    ),
    "code": lambda _key, facts: facts.code or "",
}
