"""Appointment transitions in a world, made by its reception staff."""

from datetime import datetime

from appoint.booking import transitions
from appoint.booking.model import Appointment
from support.world import RECEPTION, World


async def step(world: World, appointment: Appointment, name: str, now: datetime | None = None) -> Appointment:
    """Apply the transition with that name."""
    return await world.db.atomic(
        transitions.apply, RECEPTION, appointment_id=appointment.id, name=name, now=now or world.now
    )


async def cancel(world: World, appointment: Appointment, *, reason: str | None = None) -> None:
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=reason, if_match=None, now=world.now
    )


async def set_booked_at(world: World, appointment: Appointment, booked_at: datetime) -> None:
    """Change when the appointment was booked, which no use case can do."""
    await world.db.execute("update appointment set created_at = $2 where id = $1", appointment.id, booked_at)
