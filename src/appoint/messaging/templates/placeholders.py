"""The values for placeholders in a message."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time
from typing import Final

from ...customers.corrections.model import Detail
from ...kit import clock, date_formats, phones
from ...kit.calendar_entries import location
from ...kit.i18n import one_line, translatable, translate
from ...kit.money import Money
from ...kit.regions import language_tag, region_of
from ...payments.billing.wording import describe_settlement
from ...payments.documents.formats import Formats
from ...payments.documents.wording import METHODS
from .model import PLACEHOLDERS, MessageFacts, TemplateKey

MAX_LISTED: Final = 100
MAX_LIST_LENGTH: Final = 700
"""The maximum number of characters in a text message's list of appointments."""
LISTS: Final = ("agenda", "stranded")
"""The kinds of messages to doctors and staff that list appointments."""
DETAILS: Final[Mapping[str, str]] = {
    "when": translatable("When: {when}"),
    "yours": translatable("In your time zone: {yours}"),
    "customer": translatable("For: {customer}"),
    "doctor": translatable("With: {doctor}"),
    "type": translatable("Appointment: {type}"),
    "where": translatable("Where: {where}"),
    "preparation": translatable("Please bring or prepare: {preparation}"),
    "before": translatable("Previously: {before}"),
    "doctor_before": translatable("Previously with: {doctor_before}"),
    "expires": translatable("Held until: {expires}"),
    "money": translatable("Payment: {money}"),
    "join_link": translatable("Join the video visit: {join_link}"),
}
"""The lines about each of several appointments, keyed by placeholder."""
APPOINTMENT_DETAILS: Final = ("when", "yours", "doctor", "type", "where")


def placeholder_values(key: TemplateKey, facts: MessageFacts) -> dict[str, str]:
    """Return the values for a message's placeholders. Each is plain text, on a single line except for `appointments`,
    and empty if there is no value."""
    return {name: VALUES[name](key, facts) for name in PLACEHOLDERS[key.kind]}


def _width(key: TemplateKey) -> date_formats.Width:
    return "full" if key.channel == "email" else "short"


def tag_of(language: str, facts: MessageFacts) -> str:
    """Return the message's language with the region whose formats it follows: the one that the recipient has chosen,
    or else the customer's country, going by their time zone, or else the clinic's."""
    own = facts.customer_time_zone
    region = facts.region or (phones.country_of_zone(own) if own else None)
    return language_tag(language, region, facts.time_zone)


def _moment(key: TemplateKey, facts: MessageFacts, instant: datetime | None, end: datetime | None = None) -> str:
    """Return a time at the clinic. The zone is included only if the time would be ambiguous without it."""
    if instant is None:
        return ""
    return date_formats.moment(
        instant, facts.time_zone, tag_of(key.language, facts), _width(key), end=end, with_zone=needs_zone(facts)
    )


def needs_zone(facts: MessageFacts) -> bool:
    """Return whether a time is ambiguous without its zone, because the customer's clock shows a different time or the
    appointment is online."""
    return facts.mode == "online" or _differs(facts)


def _deadline(key: TemplateKey, facts: MessageFacts) -> str:
    return _moment(key, facts, facts.change_until)


def _differs(facts: MessageFacts) -> bool:
    """Return whether the customer's clock shows a different time from the clinic's."""
    start, own = facts.start_time, facts.customer_time_zone
    return bool(start and own and not date_formats.same_wall_time(start, facts.time_zone, own))


def address_lines(facts: MessageFacts) -> list[str]:
    return [one_line(part) for part in (facts.clinic_address or "").splitlines() if part.strip()]


def _where(key: TemplateKey, facts: MessageFacts) -> str:
    if facts.mode == "online":
        return translate(key.language, "online, not at the clinic")
    return location(key.language, clinic=facts.clinic, address=facts.clinic_address, online=False)


def _yours(key: TemplateKey, facts: MessageFacts) -> str:
    """Return the time in the customer's time zone if it differs from the time at the clinic."""
    start, own = facts.start_time, facts.customer_time_zone
    if not start or not own or not _differs(facts):
        return ""
    return date_formats.moment(start, own, tag_of(key.language, facts), _width(key), end=facts.end_time)


def _phone(key: TemplateKey, facts: MessageFacts) -> str:
    """Return the clinic's phone number as it is dialled in the customer's country."""
    return phones.format_local(facts.clinic_phone, region_of(tag_of(key.language, facts))) if facts.clinic_phone else ""


def _day(key: TemplateKey, facts: MessageFacts) -> str:
    start = facts.start_time
    return date_formats.day(start, facts.time_zone, tag_of(key.language, facts), _width(key)) if start else ""


def _money(key: TemplateKey, facts: MessageFacts) -> str:
    """Return sentences about the money for an appointment that does not take place."""
    return " ".join(describe_settlement(facts.settlement, tag_of(key.language, facts))) if facts.settlement else ""


def _until(key: TemplateKey, facts: MessageFacts) -> str:
    if facts.guardian_until is None:
        return ""
    noon = datetime.combine(facts.guardian_until, time(12), tzinfo=clock.zone(facts.time_zone))
    return date_formats.day(noon, facts.time_zone, tag_of(key.language, facts), _width(key))


def _changed(key: TemplateKey, facts: MessageFacts) -> str:
    """Return when the address changed, in the customer's time zone if they have one."""
    if facts.address_changed_at is None:
        return ""
    zone = facts.customer_time_zone or facts.time_zone
    return date_formats.moment(facts.address_changed_at, zone, language_tag(key.language, None, zone), _width(key))


def _time(key: TemplateKey, facts: MessageFacts) -> str:
    return date_formats.time(facts.start_time, facts.time_zone, tag_of(key.language, facts)) if facts.start_time else ""


def _zone(key: TemplateKey, facts: MessageFacts) -> str:
    return date_formats.zone(facts.start_time, facts.time_zone, tag_of(key.language, facts)) if facts.start_time else ""


def _appointment_lines(key: TemplateKey, facts: MessageFacts) -> Iterator[str]:
    """Yield one line per appointment. Except in an agenda, it includes the day and the doctor."""
    for appointment in facts.appointments[:MAX_LISTED]:
        hours = date_formats.hours(
            appointment.start_time, appointment.end_time, facts.time_zone, tag_of(key.language, facts)
        )
        details = [one_line(appointment.customer), one_line(appointment.type)]
        if key.kind != "agenda":
            day = date_formats.day(appointment.start_time, facts.time_zone, tag_of(key.language, facts), "short")
            hours = f"{day}, {hours}"
            details.insert(1, one_line(appointment.doctor))
        yield ", ".join([hours, *filter(None, details)])
        if appointment.join_url:
            yield translate(key.language, "Video visit: {join_link}", join_link=appointment.join_url)
    if (more := len(facts.appointments) - MAX_LISTED) > 0:
        yield translate(key.language, "and {count} more", count=more)


DETAIL_NAMES: Final[Mapping[Detail, str]] = {
    "name": translatable("name"),
    "email": translatable("email address"),
    "phone": translatable("phone number"),
    "locale": translatable("language"),
    "birthDate": translatable("date of birth"),
    "postalAddress": translatable("postal address"),
}


def _count(key: TemplateKey, facts: MessageFacts) -> str:
    return str(len(facts.appointments) if key.kind in LISTS else max(len(facts.together), 1))


def _appointments(key: TemplateKey, facts: MessageFacts) -> str:
    """Return a line for each appointment or, in an email to a customer about several, a paragraph for each. A message
    about one appointment has no list."""
    if key.kind in LISTS:
        return "\n".join(_appointment_lines(key, facts))
    several_people = len({each.customer for each in facts.together}) > 1
    if key.channel == "sms":
        return "\n".join(_short_lines(key, facts, several_people=several_people))
    return "\n\n".join(_paragraph(key, each, several_people=several_people) for each in facts.together)


def _paragraph(key: TemplateKey, facts: MessageFacts, *, several_people: bool) -> str:
    values = {name: VALUES[name](key, facts) for name in DETAILS}
    lines = [
        translate(key.language, label, **{name: values[name]})
        for name, label in DETAILS.items()
        if values[name] and (several_people or name != "customer")
    ]
    return "\n".join(lines) + (f"\n\n{facts.link}" if facts.link else "")


def detail_lines(key: TemplateKey, facts: MessageFacts) -> dict[str, str]:
    """Return the lines with an appointment's details, as in the default templates, keyed by placeholder."""
    labels = {"patient": translatable("For: {patient}")} | {name: DETAILS[name] for name in APPOINTMENT_DETAILS}
    values = {name: VALUES[name](key, facts) for name in labels}
    return {
        name: translate(key.language, label, **{name: values[name]}) for name, label in labels.items() if values[name]
    }


def _short_lines(key: TemplateKey, facts: MessageFacts, *, several_people: bool) -> Iterator[str]:
    """Yield one line per appointment, as many as fit in a text message."""
    length = 0
    for number, each in enumerate(facts.together):
        parts = [
            _moment(key, each, each.start_time),
            one_line(each.doctor),
            one_line(each.customer) if several_people else "",
        ]
        line = ", ".join(filter(None, parts))
        length += len(line) + 1
        if length > MAX_LIST_LENGTH:
            yield translate(key.language, "and {count} more", count=len(facts.together) - number)
            return
        yield line


def _amount(key: TemplateKey, facts: MessageFacts, amount: Money | None) -> str:
    return Formats(tag_of(key.language, facts), amount.currency).money(amount.amount) if amount else ""


def _due(key: TemplateKey, facts: MessageFacts) -> str:
    money = facts.money
    if money is None or money.due_on is None or money.open is None:
        return ""
    return Formats(tag_of(key.language, facts), money.amount.currency).long_date(money.due_on)


def _method(key: TemplateKey, facts: MessageFacts) -> str:
    method = facts.money and facts.money.method
    return translate(key.language, METHODS[method]) if method else ""


VALUES: Final[Mapping[str, Callable[[TemplateKey, MessageFacts], str]]] = {
    "clinic": lambda _key, facts: one_line(facts.clinic),
    "phone": _phone,
    "address": lambda _key, facts: ", ".join(address_lines(facts)),
    "customer": lambda _key, facts: one_line(facts.customer),
    "patient": lambda _key, facts: one_line(facts.patient),
    "doctor": lambda _key, facts: one_line(facts.doctor),
    "type": lambda _key, facts: one_line(facts.type),
    "mode": lambda _key, facts: facts.mode,
    "where": _where,
    "when": lambda key, facts: _moment(key, facts, facts.start_time, facts.end_time),
    "yours": _yours,
    "day": _day,
    "time": _time,
    "zone": _zone,
    "before": lambda key, facts: _moment(key, facts, facts.old_start_time),
    "doctor_before": lambda _key, facts: one_line(facts.old_doctor),
    "cancelled_by": lambda _key, facts: facts.cancelled_by or "",
    "money": _money,
    "reason": lambda _key, facts: one_line(facts.cancel_reason),
    "expires": lambda key, facts: _moment(key, facts, facts.hold_expires_at),
    "count": _count,
    "appointments": _appointments,
    "webhook": lambda _key, facts: one_line(facts.webhook),
    "user": lambda _key, facts: one_line(facts.user),
    "preparation": lambda _key, facts: one_line(facts.preparation),
    "deadline": _deadline,
    "link": lambda _key, facts: facts.link or "",
    "join_link": lambda _key, facts: facts.join_url or "",
    "opens_before": lambda _key, facts: str(facts.opens_before_minutes or ""),
    "rebook_link": lambda _key, facts: facts.rebook_url or "",
    "details": lambda key, facts: ", ".join(
        translate(key.language, DETAIL_NAMES[detail]) for detail in facts.corrected_details
    ),
    "code": lambda _key, facts: facts.code or "",
    "guardian": lambda _key, facts: one_line(facts.guardian),
    "until": _until,
    "number": lambda _key, facts: facts.money.number if facts.money else "",
    "amount": lambda key, facts: _amount(key, facts, facts.money and facts.money.amount),
    "open": lambda key, facts: _amount(key, facts, facts.money and facts.money.open),
    "due": _due,
    "method": _method,
    "invoices": lambda _key, facts: ", ".join(facts.money.invoices) if facts.money else "",
    "changed": _changed,
}
