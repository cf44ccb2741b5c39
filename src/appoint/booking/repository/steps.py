"""Read the clinic's steps, so that they can be undone."""

from uuid import UUID

from ...database.pool import Statements
from ..model import Status
from ..undo.model import PreviousTime, SteppedAppointment, Undo


async def find_undo(db: Statements, *, clinic_id: int, appointment_id: UUID) -> Undo | None:
    """Return the clinic's last step if nothing else has happened since."""
    row = await db.fetchrow(
        """
        select a.undo_status, a.stepped_at, s.step_id, coalesce(s.moved, false) as moved, s.doctor_id,
               lower(s.during) as start_time, upper(s.during) as end_time,
               s.needs_rebooking or 'outside-hours' = any(s.overridden) as had_own_hours
          from appointment a
          left join appointment_step s
            on s.clinic_id = $1 and s.step_id = a.step_id and s.appointment_id = a.id and s.taken_at = a.stepped_at
         where a.clinic_id = $1 and a.id = $2 and a.undo_status is not null
        """,
        clinic_id,
        appointment_id,
    )
    if row is None:
        return None
    before = PreviousTime(row.doctor_id, row.start_time, row.end_time, row.had_own_hours) if row.doctor_id else None
    return Undo(Status(row.undo_status), row.stepped_at, row.step_id, row.moved, before)


async def list_stepped(
    db: Statements, *, clinic_id: int, step_id: UUID, doctor_id: UUID | None
) -> list[SteppedAppointment]:
    """Return the appointments that a step changed, or only one doctor's, in the order in which to lock them."""
    rows = await db.fetch(
        """
        select s.appointment_id, s.undone_version is not null as undone
          from appointment_step s
          join appointment a on a.clinic_id = $1 and a.id = s.appointment_id
         where s.clinic_id = $1 and s.step_id = $2 and ($3::uuid is null or $3 in (a.doctor_id, s.doctor_id))
         order by a.doctor_id, a.id
        """,
        clinic_id,
        step_id,
        doctor_id,
    )
    return [SteppedAppointment(*row.values()) for row in rows]
