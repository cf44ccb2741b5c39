"""Plan and resend notifications, record delivery reports, and manage customers' preferences."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from ... import audit
from ...booking.steps import UNDO_WINDOW
from ...calls.providers.model import Gateway
from ...database.pool import Database, Statements, Transaction
from ...events.facts import AppointmentCodeRequested, AppointmentFact, CallFailed, PaymentReturned
from ...events.model import Event
from ...kit import errors, ids
from ...kit.actors import Actor
from ..channels.model import Channel
from ..templates.model import NoticeKind
from .gateway import READABLE, rewrite
from .kinds import kind_of
from .model import (
    CODE_TTL,
    LINK_TTL,
    NOTICE_TTL,
    Contact,
    LinkKind,
    ListedNotification,
    Notification,
    NotificationStatus,
    Preferences,
)
from .notices import plan_notices
from .place_changes import plan_place_changes
from .planning import NOTIFYING_FACTS, STEP_FACTS, plan_all, superseding_sequence
from .reminders import plan_reminders as plan_due
from .repository import contents, delivery, planning, reads
from .repository import preferences as preference_rows
from .rules import NEWS
from .steps import StepEffect

REMINDER_BATCH_SIZE: Final = 2000
LOOKUP_TTL: Final = timedelta(days=2)
FIRST_DAY: Final = date(2000, 1, 1)
"""Daily messages' sequence numbers count from this day."""
AGENDA_TTL: Final = timedelta(hours=3)
"""How long after its scheduled time a doctor's agenda is still emailed."""


async def plan(tx: Transaction, events: Sequence[Event], *, channels: Sequence[Channel], now: datetime) -> None:
    """Event subscriber: plan the notifications that follow from events, for the available channels, and supersede
    outdated ones."""
    await plan_notices(tx, events, channels=channels, now=now)
    await plan_place_changes(tx, events, channels=channels, now=now)
    of_clinics = [event for event in events if event.clinic_id]
    steps = await _find_steps(tx, of_clinics)
    outdated = [(event, sequence) for event in of_clinics if (sequence := superseding_sequence(event)) is not None]
    superseded = (
        await planning.supersede(
            tx, events=[event for event, _ in outdated], sequences=[sequence for _, sequence in outdated]
        )
        if outdated
        else []
    )
    for event in of_clinics:
        if isinstance(event.fact, AppointmentCodeRequested):
            await planning.insert_confirmation_code(tx, event=event, fact=event.fact, channels=channels, now=now)
    notifying = [event for event in of_clinics if isinstance(event.fact, NOTIFYING_FACTS)]
    if not notifying:
        return
    subjects = [
        (
            event.clinic_id,
            event.id,
            event.fact.customer_id if isinstance(event.fact, AppointmentFact | PaymentReturned) else None,
            event.type in NEWS,
            _appointment_of(event),
        )
        for event in notifying
    ]
    contacts: dict[UUID, list[Contact]] = {}
    for contact in await planning.list_contacts(tx, events=subjects, channels=channels):
        contacts.setdefault(contact.event_id, []).append(contact)
    if plans := plan_all(notifying, contacts, superseded, steps, now):
        await planning.insert(tx, plans)


def _appointment_of(event: Event) -> UUID | None:
    if isinstance(event.fact, AppointmentFact):
        return UUID(event.subject_id)
    return event.fact.appointment_id if isinstance(event.fact, CallFailed) else None


async def _find_steps(tx: Transaction, events: Sequence[Event]) -> dict[UUID, StepEffect]:
    """Return the steps by staff that the events report, or whose undo they report, keyed by event."""
    stepping = [event for event in events if isinstance(event.fact, STEP_FACTS)]
    return await planning.find_steps(tx, events=stepping, held_for=UNDO_WINDOW) if stepping else {}


async def plan_reminders(db: Database, *, channels: Sequence[Channel], spread: timedelta, now: datetime) -> int:
    """Plan the reminders that have to be sent within the spread. Return how many are new. Repeated and concurrent calls
    plan each reminder only once."""
    added, after = 0, (now, UUID(int=0))
    while rows := await planning.list_due_reminders(
        db, channels=channels, spread=spread, after=after, now=now, limit=REMINDER_BATCH_SIZE
    ):
        if plans := plan_due(rows, now):
            added += await planning.insert(db, plans)
        after = rows[-1].first or (rows[-1].start_time, rows[-1].id)
    return added


async def plan_agendas(db: Database, *, channels: Sequence[Channel], now: datetime) -> int:
    """Plan the emails listing today's appointments for doctors at clinics whose agenda time has come. Return how many
    are new."""
    return await planning.plan_agendas(db, lasting=AGENDA_TTL, now=now) if "email" in channels else 0


async def mail_user(tx: Transaction, *, kind: LinkKind, user_id: UUID, clinic_id: int, now: datetime) -> None:
    """Email a user the link to choose a password, unless the user has left. Each call sends a new email.

    `clinic_id` is the inviting clinic, or `PLATFORM`. The link is created with the email and is valid only for the
    user's current credentials.
    """
    await planning.insert_for_user(
        tx,
        kind=kind,
        user_id=user_id,
        clinic_id=clinic_id,
        subject_id=uuid4(),
        now=now,
        expires_at=now + LINK_TTL[kind],
    )


async def notify_user(tx: Transaction, *, kind: NoticeKind, user_id: UUID, clinic_id: int, now: datetime) -> None:
    """Email a user that their account's credentials have changed, unless the user has left. Each call sends a new
    email, because the user may not have made the change."""
    await planning.insert_for_user(
        tx, kind=kind, user_id=user_id, clinic_id=clinic_id, subject_id=uuid4(), now=now, expires_at=now + NOTICE_TTL
    )


async def send_code(
    tx: Transaction, *, code_id: UUID, customer_id: UUID | None, channel: Channel, now: datetime
) -> None:
    """Send a sign-in code, ignoring notification preferences. Runs the same number of statements when the customer is
    unknown, so timing reveals nothing."""
    await planning.insert_code(
        tx, code_id=code_id, customer_id=customer_id, channel=channel, now=now, expires_at=now + CODE_TTL
    )


async def send_address_code(
    tx: Transaction, *, code_id: UUID, customer_id: UUID, channel: Channel, now: datetime
) -> None:
    """Send the code that confirms a customer's new address to that address."""
    await planning.insert_code(
        tx,
        kind="address-code",
        code_id=code_id,
        customer_id=customer_id,
        channel=channel,
        now=now,
        expires_at=now + CODE_TTL,
    )


async def notify_about_lookup(tx: Transaction, *, clinic_id: int, customer_id: UUID, now: datetime) -> None:
    """Tell a customer that a clinic where they are not a patient has looked them up, at most once a day."""
    await planning.insert_lookup(
        tx,
        clinic_id=clinic_id,
        customer_id=customer_id,
        day=(now.date() - FIRST_DAY).days,
        now=now,
        expires_at=now + LOOKUP_TTL,
    )


async def resend(tx: Transaction, actor: Actor, *, notification_id: UUID, now: datetime) -> Notification:
    """Queue a sent or dead notification again. Raise a `not-resendable` `Conflict` for any other notification, or
    `NotFound`."""
    notification = await reads.lock(tx, notification_id)
    if notification is None:
        raise errors.NotFound
    if notification.status not in (NotificationStatus.SENT, NotificationStatus.DEAD):
        raise errors.Conflict("not-resendable", notificationStatus=notification.status)
    await delivery.requeue(tx, notification_id, now=now)
    await audit.record(tx, actor, clinic_id=ids.clinic_of(notification_id), subjects=[notification_id])
    return await get(tx, notification_id)


async def get(db: Statements, notification_id: UUID) -> Notification:
    """Return the notification. Raise `NotFound`."""
    if notification := await reads.find(db, notification_id):
        return notification
    raise errors.NotFound


class RewrittenMessage(NamedTuple):
    """A message to a patient, written again from the current details."""

    notification: Notification
    recipient_name: str | None
    subject: str
    """Empty for text messages."""
    text: str
    html: str | None
    """None for text messages."""


async def rewrite_message(
    db: Statements, notification_id: UUID, *, default_gateway: Gateway | None, now: datetime
) -> RewrittenMessage:
    """Write a message to a patient again, so that staff can read what it said. (The text itself is not stored.) Raise
    `NotFound` for an unknown message, and for codes and messages about accounts."""
    notification = await get(db, notification_id)
    (context,) = await contents.read_contexts(
        db, notification_id=notification_id, attempts=None, default_gateway=default_gateway
    )
    if kind_of(context.kind) not in READABLE or context.start_time is None:
        raise errors.NotFound
    rendered = rewrite(context, now)
    return RewrittenMessage(notification, context.customer, rendered.subject, rendered.text, rendered.html)


async def list_newest(
    db: Statements,
    *,
    clinic_id: int,
    status: str | None,
    customer_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[ListedNotification]:
    """Return up to `limit` of a clinic's notifications, newest first, plus one if there are more. Include the
    recipients' names.
    """
    return await reads.list_newest(
        db,
        clinic_id=clinic_id,
        status=status,
        customer_id=str(customer_id) if customer_id else None,
        before=before,
        limit=limit,
    )


async def count_dead(db: Statements, *, clinic_id: int) -> int:
    """Count a clinic's notifications that could not be sent."""
    return await reads.count_dead(db, clinic_id)


async def get_preferences(db: Statements, customer_id: UUID) -> Preferences:
    """Return the customer's notification preferences. Raise `NotFound`."""
    if current := await preference_rows.find(db, customer_id):
        return current
    raise errors.NotFound


async def unsubscribe(tx: Transaction, actor: Actor, *, customer_id: UUID, channel: Channel) -> None:
    """Stop messages to the customer on a channel, for the holder of an unsubscribe link. Raise `NotFound`."""
    if not await preference_rows.unsubscribe(tx, customer_id, channel):
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=ids.PLATFORM, subjects=[customer_id])


async def record_delivery_report(
    tx: Transaction,
    actor: Actor,
    *,
    notification_id: UUID,
    provider_id: str,
    arrived: bool,
    reason: str | None,
    now: datetime,
) -> None:
    """Record a provider's report of whether a message arrived. Ignore reports about messages that the provider has not
    accepted."""
    if await delivery.record_delivery(
        tx, notification_id=notification_id, provider_id=provider_id, arrived=arrived, reason=reason, now=now
    ):
        await audit.record(tx, actor, clinic_id=ids.clinic_of(notification_id), subjects=[notification_id])


async def replace_preferences(
    tx: Transaction, actor: Actor, *, customer_id: UUID, replacement: Preferences
) -> Preferences:
    """Replace the customer's notification preferences. Raise `NotFound`."""
    await get_preferences(tx, customer_id)
    await preference_rows.replace(tx, customer_id, email=replacement.email, sms=replacement.sms)
    await audit.record(tx, actor, clinic_id=ids.PLATFORM, subjects=[customer_id])
    return replacement
