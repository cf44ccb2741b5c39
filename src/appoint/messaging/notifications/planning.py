"""Work out which notifications follow from an event, and when to send them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import UNSET

from ...events.facts import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentHoldExpired,
    AppointmentMissed,
    AppointmentRebookingAsked,
    AppointmentRescheduled,
    AppointmentRestored,
    CallFailed,
    PaymentReturned,
    ScheduleApplied,
    SlotsWithdrawn,
    WebhookDisabled,
)
from ...events.model import Event
from ..channels.model import Channel
from .kinds import KINDS, PREPARATION_KINDS, kind_of
from .model import Contact, PlannedNotification
from .rules import outside_quiet_hours
from .steps import StepEffect, SupersededNotification

URGENT_WITHIN: Final = timedelta(hours=24)
HOLD_WARNING: Final = timedelta(minutes=3)
TIME_TO_BOOK_AGAIN: Final = timedelta(minutes=1)
"""How long Appoint waits before it tells someone that their hold has expired, in case they are booking again."""
CALL_NEWS_TTL: Final = timedelta(hours=2)
"""How long it remains useful to know that a video visit that is about to start has no room."""
NOTIFICATION_TTL: Final = timedelta(days=7)
"""How long a notification remains useful."""

NOTIFYING_FACTS: Final = (
    AppointmentBooked,
    AppointmentRescheduled,
    AppointmentRestored,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentHoldExpired,
    AppointmentMissed,
    AppointmentRebookingAsked,
    PaymentReturned,
    SlotsWithdrawn,
    ScheduleApplied,
    WebhookDisabled,
    CallFailed,
)
"""The events that can lead to notifications."""

STEP_FACTS: Final = (
    AppointmentBooked,
    AppointmentRescheduled,
    AppointmentRestored,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentRebookingAsked,
)
"""The events that can report a step by staff, or the undo of one."""
NO_KEYS: Final[Mapping[tuple[Channel, str], str]] = {}


class Announcement(NamedTuple):
    """The notification an event leads to, without its recipients."""

    kind: str
    subject_id: str
    sequence: int
    due_at: datetime
    expires_at: datetime
    urgent: bool = False


def plan_all(
    events: Sequence[Event],
    contacts: Mapping[UUID, Sequence[Contact]],
    superseded: Iterable[SupersededNotification],
    steps: Mapping[UUID, StepEffect],
    now: datetime,
) -> list[PlannedNotification]:
    """Return the notifications that follow from events, in order, taking each event's contacts and staff's steps into
    account.

    `superseded` contains the notifications that the events made outdated before they were sent. They determine what the
    customer still needs to know about a rescheduled appointment.
    """
    plans: list[PlannedNotification] = []
    keys = message_keys(contact for each in contacts.values() for contact in each)
    earlier = {(each.clinic_id, each.subject_id): each for each in superseded if each.kind in ("confirmation", "moved")}
    for event in events:
        subject = (event.clinic_id, event.subject_id)
        plans += plan_notifications(
            event, contacts.get(event.id, ()), now, earlier.get(subject), steps.get(event.id), keys=keys
        )
        match event.fact:  # nothing that this batch plans has been sent yet
            case AppointmentBooked():
                earlier[subject] = SupersededNotification(*subject, "confirmation", event.id)
            case AppointmentRescheduled() if not _is_hold(event.fact):
                earlier.setdefault(subject, SupersededNotification(*subject, "moved", event.id))
            case _:
                pass
    return plans


def plan_notifications(
    event: Event,
    contacts: Sequence[Contact],
    now: datetime,
    superseded: SupersededNotification | None = None,
    step: StepEffect | None = None,
    *,
    keys: Mapping[tuple[Channel, str], str] = NO_KEYS,
) -> Iterator[PlannedNotification]:
    """Yield the notifications that follow from an event, for the contacts that it concerns.

    If the customer has not received any message about the appointment yet, they get a confirmation of the new time
    instead. If they have not received the message about a previous move, the new message gives the time before that
    move.

    Messages about a step wait for as long as staff can undo it. If they undo it in time, the customer receives only the
    messages that were due before the step.
    """
    announcement, event_id = _announcement(event, now), event.id
    if announcement is None:
        return
    if step and step.is_undo and not step.was_announced:
        if step.unsent is None:
            return
        kind, event_id = step.unsent[0], step.unsent[1] or event.id
        announcement = announcement._replace(kind=kind)
    elif step and not step.is_undo:
        announcement = announcement._replace(due_at=max(announcement.due_at, step.held_until))
    if superseded and announcement.kind == "moved" and not (step and step.is_undo):
        announcement = announcement._replace(kind=superseded.kind)
        event_id = (superseded.kind == "moved" and superseded.event_id) or event.id
    rules = KINDS[kind_of(announcement.kind)]
    for contact in contacts:
        expires = _expiry(announcement, contact)
        if contact.recipient != rules.recipient and (contact.recipient == "customer" or rules.recipient != "staff"):
            continue
        send_at: datetime | None = announcement.due_at
        if rules.can_wait and not announcement.urgent:
            send_at = outside_quiet_hours(announcement.due_at, contact, latest=expires, expires=expires, now=now)
        if send_at and send_at < expires:
            yield PlannedNotification(
                event.clinic_id,
                announcement.kind,
                announcement.subject_id,
                announcement.sequence,
                contact.recipient,
                contact.recipient_id,
                contact.channel,
                event_id,
                announcement.urgent,
                due_at=send_at,
                expires_at=min(expires, now + NOTIFICATION_TTL),
                message_key=message_key(announcement.kind, contact, keys) if rules.can_share else None,
            )


def _expiry(announcement: Announcement, contact: Contact) -> datetime:
    """Return when the notification is no longer useful. The link to a video visit is useful until the visit ends."""
    if contact.joinable_until is None or kind_of(announcement.kind) not in PREPARATION_KINDS:
        return announcement.expires_at
    return max(announcement.expires_at, contact.joinable_until)


def message_keys(contacts: Iterable[Contact]) -> dict[tuple[Channel, str], str]:
    """Return the message key for each address: the smallest id among the recipients who have that address, so that a
    family with one address gets one message."""
    keys: dict[tuple[Channel, str], str] = {}
    for contact in contacts:
        address = contact.channel, contact.address.casefold()
        keys[address] = min(keys.get(address, contact.recipient_id), contact.recipient_id)
    return keys


def message_key(kind: str, contact: Contact, keys: Mapping[tuple[Channel, str], str]) -> str:
    """Return a notification's message key. The number of a rebooking link belongs to a single appointment, so it is
    left out.
    """
    shared_kind = kind_of(kind) if kind_of(kind) == "rebook" else kind
    return f"{shared_kind} {keys.get((contact.channel, contact.address.casefold()), contact.recipient_id)}"


def _announcement(event: Event, now: datetime) -> Announcement | None:
    subject, soon, expires = event.subject_id, now + URGENT_WITHIN, now + NOTIFICATION_TTL
    match event.fact:
        case (
            AppointmentBooked(start_time=start, sequence=sequence)
            | AppointmentRestored(start_time=start, sequence=sequence, old_status="cancelled")
        ):
            return Announcement("confirmation", subject, sequence, now, start)
        case AppointmentRescheduled(hold_expires_at=datetime() as end, sequence=sequence):
            return Announcement("hold-expiring", subject, sequence, max(now, end - HOLD_WARNING), end)
        case AppointmentRescheduled(start_time=start, old_start_time=old_start, sequence=sequence):
            return Announcement("moved", subject, sequence, now, start, urgent=min(start, old_start) < soon)
        case AppointmentCancelled(start_time=start, old_status=old, sequence=sequence) if old != "pending":
            return Announcement("cancelled", subject, sequence, now, start, urgent=start < soon)
        case AppointmentHeld(needs_code=False, hold_expires_at=end, sequence=sequence):
            return Announcement("hold-expiring", subject, sequence, max(now, end - HOLD_WARNING), end)
        case AppointmentRebookingAsked(by="link", start_time=start, sequence=sequence):
            return Announcement(f"rebook-{event.subject_version}", subject, sequence, now, start, urgent=True)
        case AppointmentHoldExpired(start_time=start, sequence=sequence):
            return Announcement("hold-expired", subject, sequence, now + TIME_TO_BOOK_AGAIN, start)
        case AppointmentMissed(sequence=sequence):
            return Announcement("missed", subject, sequence, now, expires)
        case _:
            return _other_announcement(event, now)


def _other_announcement(event: Event, now: datetime) -> Announcement | None:
    """Return the notification for an event that is not about an appointment's time or status."""
    subject, expires = event.subject_id, now + NOTIFICATION_TTL
    match event.fact:
        case PaymentReturned(appointment_id=appointment_id):
            return Announcement("payment-returned", str(appointment_id), 0, now, expires)
        case SlotsWithdrawn(stranded=stranded, absence_id=absence) if stranded:
            subject = subject if absence is UNSET else str(absence)
            return Announcement("stranded", subject, 0, now, expires, urgent=True)
        case ScheduleApplied(stranded=stranded) if stranded:
            return Announcement("stranded", str(event.id), 0, now, expires, urgent=True)
        case CallFailed(appointment_id=appointment_id, sequence=sequence):
            # numbered, so that a retry that fails is announced as well
            kind, expires = f"call-failed-{event.subject_version}", now + CALL_NEWS_TTL
            return Announcement(kind, str(appointment_id), sequence, now, expires, urgent=True)
        case WebhookDisabled():
            return Announcement("webhook-disabled", subject, event.subject_version, now, expires)
        case _:
            return None


def _is_hold(fact: AppointmentRescheduled) -> bool:
    return fact.hold_expires_at is not UNSET


def superseding_sequence(event: Event) -> int | None:
    """Return the sequence number below which notifications about the event's subject become outdated; None if the event
    does not affect any."""
    match event.fact:
        case (
            AppointmentRescheduled(sequence=sequence)
            | AppointmentRestored(sequence=sequence)
            | AppointmentCancelled(sequence=sequence)
            | AppointmentHoldExpired(sequence=sequence)
        ):
            return sequence
        case _:
            return None
