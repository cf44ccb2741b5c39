"""What there is to tell whom, and when it leaves: rules without I/O."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from ...events.model import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentHoldExpired,
    AppointmentMissed,
    AppointmentRescheduled,
    Event,
    ScheduleApplied,
    SlotsWithdrawn,
    WebhookDisabled,
)
from ...kit import clock
from ...kit.structs import PageQuery, RequestBody, Resource
from ..channels.model import Channel

Recipient = Literal["customer", "doctor", "staff", "user"]


class NotificationStatus(StrEnum):
    QUEUED = "queued"
    LEASED = "leased"
    """A worker is about to send it."""
    SENT = "sent"
    DEAD = "dead"
    """It will not be sent; `reason` says why."""
    SUPERSEDED = "superseded"
    """What it would have said is not so any more."""


class KindRules(NamedTuple):
    recipient: Recipient
    waits: bool = False
    """Whether it can wait until quiet hours end. An answer to what somebody has just done does not."""
    statuses: frozenset[str] = frozenset()
    """Of an appointment in which it is still true."""


UPCOMING_STATUSES: Final = frozenset({"booked", "arrived", "checked-in"})
KINDS: Final[Mapping[str, KindRules]] = {
    "confirmation": KindRules("customer", statuses=UPCOMING_STATUSES),
    "moved": KindRules("customer", statuses=UPCOMING_STATUSES),
    "cancelled": KindRules("customer", statuses=frozenset({"cancelled"})),
    "reminder": KindRules("customer", waits=True, statuses=frozenset({"booked"})),
    "hold-expiring": KindRules("customer", statuses=frozenset({"pending"})),
    "missed": KindRules("customer", waits=True, statuses=frozenset({"noshow"})),
    "agenda": KindRules("doctor"),
    "stranded": KindRules("staff"),
    "webhook-disabled": KindRules("staff"),
    "invitation": KindRules("user"),
    "password-reset": KindRules("user"),
    "sign-in-code": KindRules("customer"),
}
"""Every kind of notification. A reminder's row says also how many minutes before: `reminder-1440`."""

URGENT_WITHIN: Final = timedelta(hours=24)
HOLD_WARNING: Final = timedelta(minutes=3)
NOTIFICATION_TTL: Final = timedelta(days=7)
"""After that nobody wants to be told any more."""
AccountKind = Literal["invitation", "password-reset"]
LINK_TTL: Final[Mapping[AccountKind, timedelta]] = {
    "invitation": timedelta(days=7),
    "password-reset": timedelta(hours=1),
}
"""How long the link is good, from when it was asked for; its message says the same."""
CODE_TTL: Final = timedelta(minutes=10)
"""The same of a code to sign in."""


def kind_of(name: str) -> str:
    """The kind of a row: `reminder` of `reminder-1440`."""
    return "reminder" if name.startswith("reminder-") else name


class Notification(Resource):
    EXAMPLE: ClassVar = {
        "id": "00000001-0197-8f5b-8c22-02e1f966150a",
        "version": 1,
        "createdAt": "2027-02-28T07:31:00Z",
        "updatedAt": "2027-02-28T08:12:04Z",
        "clinicId": 1,
        "kind": "reminder-1440",
        "subjectId": "00000001-0197-818c-8c22-0201f9661508",
        "sequence": 0,
        "recipient": "customer",
        "recipientId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "channel": "email",
        "status": "dead",
        "urgent": False,
        "dueAt": "2027-02-28T08:12:00Z",
        "expiresAt": "2027-03-01T08:30:00Z",
        "attempts": 1,
        "sentAt": None,
        "deliveredAt": None,
        "reason": "the mail server does not know this address (550)",
    }

    id: UUID
    clinic_id: int
    kind: str
    """Such as `confirmation` or `reminder-1440`, a reminder that many minutes before."""
    subject_id: str
    """What it is about: an appointment, a doctor's day, an absence."""
    sequence: int
    recipient: Recipient
    recipient_id: str
    channel: Channel
    status: NotificationStatus
    urgent: bool
    due_at: datetime
    expires_at: datetime
    """Nothing leaves from then on."""
    attempts: int
    sent_at: datetime | None
    delivered_at: datetime | None
    """When the provider said that it has arrived, if it says so."""
    reason: str | None
    """Why it was not sent, or not yet."""


class NotificationFilter(PageQuery):
    status: Annotated[NotificationStatus, msgspec.Meta(examples=["dead"])] | None = None
    """Only those in this status."""
    subject_id: Annotated[str, msgspec.Meta(max_length=36)] | None = None
    """Only those about this appointment, doctor or absence."""


class Preferences(RequestBody):
    """Which ways a customer wants to be told. Where nothing is said: by mail if there is an address, else by text
    message."""

    email: bool | None = None
    sms: bool | None = None


class PlannedNotification(NamedTuple):
    clinic_id: int
    kind: str
    subject_id: str
    sequence: int
    recipient: Recipient
    recipient_id: str
    channel: Channel
    event_id: UUID | None
    urgent: bool
    due_at: datetime
    expires_at: datetime


class Contact(NamedTuple):
    """How somebody of an event can be told, and the clinic's quiet hours in minutes of its day."""

    event_id: UUID
    recipient: Recipient
    recipient_id: str
    channel: Channel
    time_zone: str
    quiet_from: int | None
    quiet_until: int | None


NOTIFYING_FACTS: Final = (
    AppointmentBooked,
    AppointmentRescheduled,
    AppointmentCancelled,
    AppointmentHeld,
    AppointmentMissed,
    SlotsWithdrawn,
    ScheduleApplied,
    WebhookDisabled,
)
"""The facts that people may be told of."""


def plan_notifications(event: Event, addresses: Sequence[Contact], now: datetime) -> Iterator[PlannedNotification]:
    """What an event makes to tell, to those of the addresses whom it concerns."""
    subject, sequence, kind, urgent, due, expires = event.subject_id, 0, "", False, now, now + NOTIFICATION_TTL
    match event.fact:
        case AppointmentBooked(start_time=start, sequence=sequence):
            kind, expires = "confirmation", start
        case AppointmentRescheduled(start_time=start, old_start_time=old_start, sequence=sequence):
            kind, expires, urgent = "moved", start, min(start, old_start) < now + URGENT_WITHIN
        case AppointmentCancelled(start_time=start, old_status=old, sequence=sequence) if old != "pending":
            kind, expires, urgent = "cancelled", start, start < now + URGENT_WITHIN
        case AppointmentHeld(hold_expires_at=expires, sequence=sequence):
            kind, due = "hold-expiring", max(now, expires - HOLD_WARNING)
        case AppointmentMissed(sequence=sequence):
            kind = "missed"
        case SlotsWithdrawn(stranded=stranded, absence_id=absence) if stranded:
            kind, urgent, subject = "stranded", True, event.subject_id if absence is UNSET else str(absence)
        case ScheduleApplied(stranded=stranded) if stranded:
            kind, urgent, subject = "stranded", True, str(event.id)
        case WebhookDisabled():
            kind, sequence = "webhook-disabled", event.subject_version
        case _:
            return
    for address in addresses:
        if address.recipient == KINDS[kind].recipient:
            waits = KINDS[kind].waits and not urgent
            leaves = outside_quiet_hours(due, address, latest=expires, expires=expires, now=now) if waits else due
            if leaves and leaves < expires:
                yield PlannedNotification(
                    event.clinic_id,
                    kind,
                    subject,
                    sequence,
                    address.recipient,
                    address.recipient_id,
                    address.channel,
                    event.id,
                    urgent,
                    leaves,
                    min(expires, now + NOTIFICATION_TTL),
                )


def superseding_sequence(event: Event) -> int | None:
    """The sequence from which on what was to be told of the event's subject is still so; None where nothing changed
    about that."""
    match event.fact:
        case (
            AppointmentRescheduled(sequence=sequence)
            | AppointmentCancelled(sequence=sequence)
            | AppointmentHoldExpired(sequence=sequence)
        ):
            return sequence
        case _:
            return None


def outside_quiet_hours(
    due: datetime, address: Contact, *, latest: datetime, expires: datetime, now: datetime
) -> datetime | None:
    """When something that can wait leaves: at its time, or when the quiet hours around that end. Where that would be
    later than `latest` it leaves before they begin, if that is still to come, and else when they end after all. None
    where they last until it expires.

    On the night that the clocks change the end may be an hour late.
    """
    if address.quiet_from is None or address.quiet_until is None:
        return due
    over = due
    for _ in range(3):  # once more when an hour came twice
        minute = _minute(over, address.time_zone)
        if (minute - address.quiet_from) % MINUTES_PER_DAY >= (
            address.quiet_until - address.quiet_from
        ) % MINUTES_PER_DAY:
            break
        over += timedelta(minutes=(address.quiet_until - minute) % MINUTES_PER_DAY)
    before = due - timedelta(minutes=(_minute(due, address.time_zone) - address.quiet_from) % MINUTES_PER_DAY + 1)
    if over < latest or over == due or before < now:
        return over if over < expires else None
    return before


def outcome_before_sending(row: Any, now: datetime) -> tuple[NotificationStatus, str] | None:
    """Why a notification (a row of `contents.facts`) is not sent after all; None when nothing speaks against it."""
    kind = KINDS[kind_of(row.kind)]
    if kind.statuses and (row.appointment_status not in kind.statuses or row.appointment_sequence != row.sequence):
        return NotificationStatus.SUPERSEDED, "the appointment has changed since"
    if kind.recipient == "user" and row.user_credentials != row.sequence:
        return NotificationStatus.SUPERSEDED, "the user has left, or has another password since"
    if row.code_used_at:
        return NotificationStatus.SUPERSEDED, "the code has been used"
    if now >= row.expires_at:
        return (
            NotificationStatus.DEAD,
            f"its time has passed; before that: {row.reason}" if row.reason else "its time has passed",
        )
    if kind.recipient == "customer" and not row.customer_active:
        return NotificationStatus.SUPERSEDED, "the customer has left"
    if (
        row.recipient == "customer" and not kind.statuses and row.customer_updated_at > row.created_at
    ):  # to another address, perhaps
        return NotificationStatus.SUPERSEDED, "the customer has changed since"
    if kind.statuses and not row.wanted:
        return NotificationStatus.SUPERSEDED, "the customer is not to be told this way any more"
    if address_of(row) is None:
        return NotificationStatus.DEAD, "there is no address to send it to"
    return None


def address_of(row: Any) -> str | None:
    """Where a notification (a row of `contents.facts`) goes."""
    match row.recipient:
        case "customer":
            return row.customer_email if row.channel == "email" else row.customer_phone
        case "doctor":
            return row.doctor_email if row.doctor_active else None
        case "user":
            return row.user_email
        case _:
            return row.clinic_email


def after_quiet_hours(row: Any, now: datetime) -> datetime | None:
    """When a notification (a row of `contents.facts`) that became due in quiet hours, by a failure before them or a
    change of them, may leave; None: now, also where they would last until it expires."""
    if not KINDS[kind_of(row.kind)].waits or row.urgent:
        return None
    address = Contact(
        row.id, row.recipient, row.recipient_id, row.channel, row.time_zone, row.quiet_from, row.quiet_until
    )
    leaves = outside_quiet_hours(now, address, latest=row.expires_at, expires=row.expires_at, now=now)
    return leaves if leaves and leaves > now else None


MINUTES_PER_DAY: Final = 24 * 60


def _minute(instant: datetime, time_zone: str) -> int:
    local = instant.astimezone(clock.zone(time_zone))
    return local.hour * 60 + local.minute


def backoff(attempts: int, luck: float) -> timedelta:
    """How long to wait after so many attempts: 15 seconds, twice that each time, half an hour at most; `luck`, 0 to 1,
    takes off up to half."""
    return min(timedelta(seconds=15) * 2 ** min(attempts - 1, 10), timedelta(minutes=30)) * (1 - luck / 2)


def plan_reminder(row: "DueReminder", now: datetime) -> PlannedNotification | None:
    """A reminder as it leaves: ahead of its time by the row's share of the spread, so that not all that are due at nine
    leave at nine. None where quiet hours leave no time for it, or there is no way to tell."""
    if row.channel is None:
        return None
    at = row.start_time - timedelta(minutes=row.minutes)
    address = Contact(
        row.id, "customer", str(row.customer_id), row.channel, row.time_zone, row.quiet_from, row.quiet_until
    )
    latest = row.start_time - timedelta(minutes=row.minutes // 2)
    due = outside_quiet_hours(max(at - row.ahead, now), address, latest=latest, expires=row.start_time, now=now)
    return due and PlannedNotification(
        row.clinic_id,
        f"reminder-{row.minutes}",
        str(row.id),
        row.sequence,
        "customer",
        address.recipient_id,
        row.channel,
        event_id=None,
        urgent=False,
        due_at=due,
        expires_at=row.start_time,
    )


class DueReminder(NamedTuple):
    clinic_id: int
    id: UUID
    """Of the appointment."""
    sequence: int
    start_time: datetime
    customer_id: UUID
    channel: Channel | None
    minutes: int
    ahead: timedelta
    time_zone: str
    quiet_from: int | None
    quiet_until: int | None
