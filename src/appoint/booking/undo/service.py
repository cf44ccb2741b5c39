"""Take back the clinic's last step for an appointment."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...database.pool import Transaction
from ...kit import errors
from ...kit.actors import Actor
from .. import repository, service
from ..model import Appointment
from ..transitions import publish_own_hours_again, refusing_time_in_use, withdraw_own_hours


async def undo(
    tx: Transaction, actor: Actor, *, appointment_id: UUID, if_match: str | None = None, now: datetime
) -> Appointment:
    """Restore the status from before the last step, if the clinic took it today and nothing has happened since.

    Raise a `Conflict`: `nothing-to-undo`; or `taken`, `customer-busy` or `outside-hours` if the appointment would be
    live again and its time is no longer free. Raise `VersionMismatch` for an outdated `if_match`.
    """
    await publish_own_hours_again(tx, appointment_id)
    (appointment, *_), _ = await service.lock(tx, appointment_id, if_match, version_optional=True)
    clinic_id = appointment.clinic_id
    step = await repository.find_undo(tx, clinic_id=clinic_id, appointment_id=appointment_id)
    if step is None or not step.is_possible(now, appointment.time_zone):
        raise errors.Conflict("nothing-to-undo")
    with refusing_time_in_use():
        await repository.undo_step(tx, clinic_id=clinic_id, appointment_id=appointment_id)
    await withdraw_own_hours(tx, appointment, step.status)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id])
    return await service.get(tx, appointment_id)
