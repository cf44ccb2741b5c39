"""Planning who is told what, and what people do about it afterwards."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from ... import audit
from ...database.pool import Database, Statements, Transaction
from ...events.model import AppointmentFact, Event
from ...kit import errors, ids
from ...kit.actors import Actor
from ..channels.model import Channel
from .model import (
    CODE_TTL,
    LINK_TTL,
    NOTIFYING_FACTS,
    AccountKind,
    Contact,
    Notification,
    NotificationStatus,
    Preferences,
    plan_notifications,
    plan_reminder,
    superseding_sequence,
)
from .repository import delivery, planning, reads
from .repository import preferences as preference_rows

REMINDER_BATCH_SIZE: Final = 2000
AGENDA_TTL: Final = timedelta(hours=3)
"""A doctor's day that could not be mailed by then is not news any more."""


async def plan(tx: Transaction, events: Sequence[Event], *, channels: Sequence[Channel], now: datetime) -> None:
    """Subscribes to events: writes down what they make to tell, by the channels there are, and takes back what is not
    so any more."""
    of_clinics = [event for event in events if event.clinic_id]
    outdated = [(event, sequence) for event in of_clinics if (sequence := superseding_sequence(event)) is not None]
    if outdated:
        await planning.supersede(
            tx, events=[event for event, _ in outdated], sequences=[sequence for _, sequence in outdated]
        )
    telling = [event for event in of_clinics if isinstance(event.fact, NOTIFYING_FACTS)]
    if not telling:
        return
    about = [
        (event.clinic_id, event.id, event.fact.customer_id if isinstance(event.fact, AppointmentFact) else None)
        for event in telling
    ]
    ways: dict[UUID, list[Contact]] = {}
    for address in await planning.contacts(tx, events=about, channels=channels):
        ways.setdefault(address.event_id, []).append(address)
    plans = [plan for event in telling for plan in plan_notifications(event, ways.get(event.id, ()), now)]
    if plans:
        await planning.insert(tx, plans)


async def plan_reminders(db: Database, *, channels: Sequence[Channel], spread: timedelta, now: datetime) -> int:
    """Write down the reminders that leave within the spread; returns how many are new. Done again and again, and by
    several workers, it writes none twice."""
    added, after = 0, (now, UUID(int=0))
    while rows := await planning.due_reminders(
        db, channels=channels, spread=spread, after=after, now=now, most=REMINDER_BATCH_SIZE
    ):
        if plans := [plan for row in rows if (plan := plan_reminder(row, now))]:
            added += await planning.insert(db, plans)
        after = rows[-1].start_time, rows[-1].id
    return added


async def plan_agendas(db: Database, *, channels: Sequence[Channel], now: datetime) -> int:
    """Write down the mails with today's appointments for doctors whose clinic's time for it has come; returns how many
    are new."""
    return await planning.plan_agendas(db, lasting=AGENDA_TTL, now=now) if "email" in channels else 0


async def mail_user(tx: Transaction, *, kind: AccountKind, user_id: UUID, clinic_id: int, now: datetime) -> None:
    """Mail a user the link by which they choose a password, as often as they are to have it; nothing to one who has
    left.

    `clinic_id` is the clinic that invites, or `PLATFORM`. The link is made when the mail is, for the user's credentials
    as they are now.
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


async def send_code(
    tx: Transaction, *, code_id: UUID, customer_id: UUID | None, channel: Channel, now: datetime
) -> None:
    """Send a code to sign in, whatever the customer else wants to be told; to nobody at all in as many statements."""
    await planning.insert_code(
        tx, code_id=code_id, customer_id=customer_id, channel=channel, now=now, expires_at=now + CODE_TTL
    )


async def resend(tx: Transaction, actor: Actor, *, notification_id: UUID, now: datetime) -> Notification:
    """Queue a sent or dead notification once more. Raises `Conflict` `not-resendable` for any other, and `NotFound`."""
    notification = await reads.lock(tx, notification_id)
    if notification is None:
        raise errors.NotFound
    if notification.status not in (NotificationStatus.SENT, NotificationStatus.DEAD):
        raise errors.Conflict("not-resendable", notificationStatus=notification.status)
    await delivery.requeue(tx, notification_id, now=now)
    await audit.record(tx, actor, clinic_id=ids.clinic_of(notification_id), subjects=[notification_id])
    return await get(tx, notification_id)


async def get(db: Statements, notification_id: UUID) -> Notification:
    """Raises `NotFound`."""
    if notification := await reads.find(db, notification_id):
        return notification
    raise errors.NotFound


async def preferences(db: Statements, customer_id: UUID) -> Preferences:
    """Raises `NotFound`."""
    row = await preference_rows.preferences(db, customer_id)
    if row is None:
        raise errors.NotFound
    return Preferences(email=row.email, sms=row.sms)


async def unsubscribe(tx: Transaction, actor: Actor, *, customer_id: UUID, channel: Channel) -> None:
    """Stop messages to the customer by a channel, for the holder of an unsubscribe link. Raises `NotFound`."""
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
    """Note a provider's report of whether a message arrived. Ignores reports of messages that it was not given."""
    if await delivery.record_delivery(
        tx, notification_id=notification_id, provider_id=provider_id, arrived=arrived, reason=reason, now=now
    ):
        await audit.record(tx, actor, clinic_id=ids.clinic_of(notification_id), subjects=[notification_id])


async def replace_preferences(tx: Transaction, actor: Actor, *, customer_id: UUID, wanted: Preferences) -> Preferences:
    """Replace the customer's notification preferences. Raises `NotFound`."""
    await preferences(tx, customer_id)
    await preference_rows.replace(tx, customer_id, email=wanted.email, sms=wanted.sms)
    await audit.record(tx, actor, clinic_id=ids.PLATFORM, subjects=[customer_id])
    return wanted
