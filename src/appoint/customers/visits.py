"""What a patient has booked at a clinic."""

from datetime import datetime
from uuid import UUID

from ..database.pool import Row, Statements


async def coming(
    db: Statements, *, clinic_id: int, customer_id: UUID, doctor_id: UUID | None, now: datetime, limit: int
) -> list[Row]:
    """A patient's appointments that have not ended, with everyone or with one doctor, the next first; one more than
    `limit` when there are more."""
    return await db.fetch(
        """
        select a.id, lower(a.during) as start_time, upper(a.during) as end_time, (lower(a.during) at time zone c.time_zone)::date as day,
               a.status, a.cancel_reason, a.needs_rebooking, d.name as doctor, t.name as type
          from appointment a
          join clinic c on c.id = a.clinic_id
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
         where a.clinic_id = $1 and a.customer_id = $2 and ($3::uuid is null or a.doctor_id = $3) and upper(a.during) > $4
         order by lower(a.during)
         limit $5 + 1
        """,
        clinic_id,
        customer_id,
        doctor_id,
        now,
        limit,
    )


async def past(
    db: Statements,
    *,
    clinic_id: int,
    customer_id: UUID,
    doctor_id: UUID | None,
    now: datetime,
    before: UUID | None,
    limit: int,
) -> list[Row]:
    """The same of those that have ended, and stand before that one, the last first."""
    return await db.fetch(
        """
        select a.id, lower(a.during) as start_time, upper(a.during) as end_time, (lower(a.during) at time zone c.time_zone)::date as day,
               a.status, a.cancel_reason, a.needs_rebooking, d.name as doctor, t.name as type
          from appointment a
          join clinic c on c.id = a.clinic_id
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
         where a.clinic_id = $1 and a.customer_id = $2 and ($3::uuid is null or a.doctor_id = $3) and upper(a.during) <= $4
           and ($5::uuid is null or (lower(a.during), a.id) < (select lower(b.during), b.id from appointment b where b.clinic_id = $1 and b.id = $5))
         order by lower(a.during) desc, a.id desc
         limit $6 + 1
        """,
        clinic_id,
        customer_id,
        doctor_id,
        now,
        before,
        limit,
    )
