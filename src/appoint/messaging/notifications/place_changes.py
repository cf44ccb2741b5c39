"""Plan the messages to patients whose upcoming appointments now take place online, or in person instead."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import UNSET

from ...booking.steps import UNDO_WINDOW
from ...database.pool import Statements, Transaction
from ...events.facts import AppointmentTypeChanged
from ...events.model import Event
from ..channels.model import Channel
from .model import PlannedNotification
from .planning import NOTIFICATION_TTL, URGENT_WITHIN, message_key, message_keys
from .repository import place_changes, planning


async def count_upcoming(db: Statements, *, clinic_id: int, type_id: UUID, now: datetime) -> int:
    """Count an appointment type's booked appointments that have not started. Their patients get a message if the type's
    mode changes."""
    return len(await place_changes.list_upcoming(db, clinic_id=clinic_id, type_id=type_id, now=now))


async def plan_place_changes(
    tx: Transaction, events: Sequence[Event], *, channels: Sequence[Channel], now: datetime
) -> None:
    """Plan the messages that follow from changes of appointment types' modes.

    They wait as long as messages about a step by staff: if the mode changes back before they are sent, patients hear
    nothing. Nor do they if another message about the appointment has yet to be sent, because that gives the new place.
    """
    for event in events:
        if isinstance(event.fact, AppointmentTypeChanged) and event.fact.old_mode is not UNSET:
            await _plan(tx, event, channels=channels, now=now)


async def _plan(tx: Transaction, event: Event, *, channels: Sequence[Channel], now: datetime) -> None:
    clinic_id, type_id, kind = event.clinic_id, UUID(event.subject_id), f"place-changed-{event.subject_version}"
    untold = await place_changes.withdraw(tx, clinic_id=clinic_id, type_id=type_id, kind=kind, now=now)
    upcoming = await place_changes.list_upcoming(tx, clinic_id=clinic_id, type_id=type_id, now=now)
    affected = {each.id: each for each in upcoming if not each.has_unsent_message and each.id not in untold}
    if not affected:
        return
    subjects = [(clinic_id, each.id, each.customer_id, True, each.id) for each in affected.values()]
    contacts = await planning.list_contacts(tx, events=subjects, channels=channels)
    keys = message_keys(contacts)
    plans = [
        PlannedNotification(
            clinic_id,
            kind,
            str(appointment.id),
            appointment.sequence,
            contact.recipient,
            contact.recipient_id,
            contact.channel,
            event.id,
            urgent=appointment.start_time < now + URGENT_WITHIN,
            due_at=now + UNDO_WINDOW,
            expires_at=min(contact.joinable_until or appointment.start_time, now + NOTIFICATION_TTL),
            message_key=message_key(f"{type_id} {kind}", contact, keys),
        )
        for contact in contacts
        if (appointment := affected[contact.event_id])
    ]
    if plans:
        await planning.insert(tx, plans)
