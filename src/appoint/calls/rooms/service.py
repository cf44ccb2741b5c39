"""Keep calls in step with their appointments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ...database.pool import Database, Statements, Transaction
from ...events.facts import AppointmentTypeChanged
from ...events.model import Event
from ..providers.model import Gateway
from . import repository

APPOINTMENT_EVENTS: Final = frozenset(
    {
        "appointment.booked",
        "appointment.cancelled",
        "appointment.hold-expired",
        "appointment.missed",
        "appointment.arrived",
        "appointment.rescheduled",
        "appointment.restored",
    }
)
"""The events after which an appointment may need a different call, or none."""
AHEAD: Final = timedelta(days=2)
"""How soon an appointment must start for the regular check to look at it. Events take care of all others."""
BATCH_SIZE: Final = 500


async def follow(tx: Transaction, events: Sequence[Event], *, default_gateway: Gateway | None, now: datetime) -> None:
    """Event subscriber: give appointments that have changed the calls that they need now. It only writes rows; jobs
    talk to the provider. It reads the appointments as they are now, so repeated events don't matter."""
    places = {(event.clinic_id, UUID(event.subject_id)): None for event in events if event.type in APPOINTMENT_EVENTS}
    for event in events:
        if isinstance(event.fact, AppointmentTypeChanged):
            of_type = await repository.list_current_of_type(
                tx, clinic_id=event.clinic_id, type_id=UUID(event.subject_id), now=now
            )
            places |= dict.fromkeys(of_type)
    if places:
        await repository.reconcile(tx, list(places), default_gateway=default_gateway, now=now)


async def check(db: Database, *, default_gateway: Gateway | None, now: datetime) -> int:
    """Find and mend calls that do not fit their appointments, and end those that are over. Return how many there
    were."""
    places = await repository.find_drift(db, default_gateway=default_gateway, ahead=AHEAD, now=now, limit=BATCH_SIZE)
    if places:
        await db.atomic(repository.reconcile, places, default_gateway=default_gateway, now=now)
    return len(places)


async def count_upcoming(db: Statements, *, clinic_id: int, now: datetime) -> int:
    """Count a clinic's video visits that are booked and have not started."""
    return await repository.count_upcoming_online(db, clinic_id=clinic_id, now=now)
