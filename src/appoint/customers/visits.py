"""A customer's appointments."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from ..database.pool import Statements, to
from ..kit.key_ring import EncryptedField


class PatientVisit(msgspec.Struct, frozen=True):
    """An appointment on a patient's page."""

    id: UUID
    start_time: datetime
    end_time: datetime
    day: date
    status: str
    cancel_reason: str | None
    needs_rebooking: bool
    doctor: str
    type: str | None


async def count_upcoming_appointments(db: Statements, customer_id: UUID, *, now: datetime) -> int:
    """Count the customer's live appointments at all clinics that end after `now`, including those they booked for
    others."""
    return await db.fetchval(
        """
        select count(*)
          from appointment
         where (customer_id = $1 or booker_id = $1) and active_during && tstzrange($2, null)
        """,
        customer_id,
        now,
    )


async def list_upcoming(
    db: Statements, *, clinic_id: int, customer_id: UUID, doctor_id: UUID | None, now: datetime, limit: int
) -> list[PatientVisit]:
    """Return a patient's appointments that have not ended, with one doctor or all, soonest first.

    Include one beyond `limit` if there is a next page.
    """
    return await _list_visits(
        db,
        clinic_id=clinic_id,
        customer_id=customer_id,
        doctor_id=doctor_id,
        now=now,
        past=False,
        before=None,
        limit=limit,
    )


async def list_past(
    db: Statements,
    *,
    clinic_id: int,
    customer_id: UUID,
    doctor_id: UUID | None,
    now: datetime,
    before: UUID | None,
    limit: int,
) -> list[PatientVisit]:
    """Return a patient's past appointments, or only those before a given one, latest first.

    Include one beyond `limit` if there is a next page.
    """
    return await _list_visits(
        db,
        clinic_id=clinic_id,
        customer_id=customer_id,
        doctor_id=doctor_id,
        now=now,
        past=True,
        before=before,
        limit=limit,
    )


async def _list_visits(
    db: Statements,
    *,
    clinic_id: int,
    customer_id: UUID,
    doctor_id: UUID | None,
    now: datetime,
    past: bool,
    before: UUID | None,
    limit: int,
) -> list[PatientVisit]:
    rows = await db.fetch(
        """
        select a.id, lower(a.during) as start_time, upper(a.during) as end_time,
               (lower(a.during) at time zone c.time_zone)::date as day,
               a.status, a.cancel_reason, a.needs_rebooking, d.name as doctor, t.name as type
          from appointment a
          join clinic c on c.id = a.clinic_id
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
         where a.clinic_id = $1 and a.customer_id = any(array(select customers_joined($1, $2)))
           and ($3::uuid is null or a.doctor_id = $3)
           and (upper(a.during) <= $4) = $5
           and ($6::uuid is null or (lower(a.during), a.id) < (
                 select lower(b.during), b.id from appointment b where b.clinic_id = $1 and b.id = $6))
         order by case when not $5 then lower(a.during) end, lower(a.during) desc, a.id desc
         limit $7 + 1
        """,
        clinic_id,
        customer_id,
        doctor_id,
        now,
        past,
        before,
        limit,
    )
    return [
        to(PatientVisit, row, cancel_reason=db.keys.decrypt(row.cancel_reason, EncryptedField.CANCEL_REASON, row.id))
        for row in rows
    ]
