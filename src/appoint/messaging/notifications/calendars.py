"""The calendar invitations in emails about appointments."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from ...kit.calendar_entries import calendar_entry
from ...kit.i18n import translate
from ...kit.icalendar_files import Method, Person, invitation, organizer
from ..channels.model import Message
from ..templates.model import MessageFacts
from ..templates.placeholders import tag_of
from .links import MessageLinks
from .model import NotificationContext

CALENDAR_METHODS: Final[Mapping[str, Method]] = {
    "confirmation": "REQUEST",
    "moved": "REQUEST",
    "place-changed": "REQUEST",
    "cancelled": "CANCEL",
}
"""The kinds of emails that carry an entry for the customer's calendar."""


def with_calendars(
    message: Message, appointments: Sequence[tuple[NotificationContext, MessageFacts]], kind: str, links: MessageLinks
) -> Message:
    """Return the message with a calendar file for each appointment, if it is of a kind that has them."""
    method = _calendar_method(appointments[0][0], kind, message.to, links)
    if method is None:
        return message
    calendars = [_invitation(context, method, facts, message.to, links) for context, facts in appointments]
    if len(calendars) == 1:
        return message._replace(calendar=calendars[0], calendar_method=method)
    return message._replace(calendars=calendars, calendar_method=method)


def _calendar_method(context: NotificationContext, kind: str, to_address: str, links: MessageLinks) -> Method | None:
    """Return the method for the message's calendar file, if it has one. Organizers cannot be invited, so an entry for
    the organizer's own address is only published.
    """
    if context.channel != "email":
        return None
    method = CALENDAR_METHODS.get(kind)
    return "PUBLISH" if method == "REQUEST" and _is_organizer(to_address, links) else method


def _is_organizer(address: str, links: MessageLinks) -> bool:
    return address.casefold() == organizer("", links.mail_from).email.casefold()


def _invitation(
    context: NotificationContext, method: Method, facts: MessageFacts, to_address: str, links: MessageLinks
) -> str:
    """Return the calendar file for a message about an appointment."""
    clinic, customer, start, end = context.clinic, context.customer, context.start_time, context.end_time
    assert clinic, "an appointment belongs to a clinic"
    assert customer, "an appointment has a customer"
    assert start, "an appointment has a start"
    assert end, "an appointment has an end"
    entry = calendar_entry(
        tag_of(context.locale, facts),
        clinic=clinic,
        doctor=context.doctor,
        type=context.type,
        online=context.mode == "online",
        address=context.clinic_address,
        phone=context.clinic_phone,
        start=start,
        end=end,
        time_zone=facts.time_zone,
        link=facts.link if method != "CANCEL" else None,
        can_change=facts.change_until is not None,
        join_url=facts.join_url if method != "CANCEL" else None,
    )
    return invitation(
        method,
        **entry._asdict(),
        id=UUID(context.subject_id),
        sequence=context.sequence,
        stamp=context.created_at,  # the same for all attempts
        organizer=organizer(clinic, links.mail_from),
        attendee=None if _is_organizer(to_address, links) else Person(customer, to_address),
        join_label=translate(context.locale, "Video visit"),
    )
