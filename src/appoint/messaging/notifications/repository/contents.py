"""Message content, as it is when messages are sent."""

from datetime import datetime
from typing import Final
from uuid import UUID

from ....database.pool import Statements, to
from ....database.sql import load
from ....kit import ids
from ....kit.key_ring import Place, is_unreadable
from ...templates.model import ListedAppointment
from ..model import NotificationContext

READ_CONTEXT: Final = load(__name__, "read_context")


async def read_context(db: Statements, *, notification_id: UUID, attempts: int | None) -> NotificationContext | None:
    """Return the notification with the current state of its subject. Return None if it is no longer leased for this
    attempt; without `attempts`, only if it does not exist."""
    row = await db.fetchrow(
        READ_CONTEXT, clinic_id=ids.clinic_of(notification_id), notification_id=notification_id, attempts=attempts
    )
    if row is None:
        return None
    reason = db.keys.decrypt(row.cancel_reason, Place.CANCEL_REASON, row.subject_id)
    return to(NotificationContext, row, cancel_reason=None if is_unreadable(reason) else reason)


async def list_appointments_of_day(
    db: Statements, *, clinic_id: int, doctor_id: UUID, day: int
) -> list[ListedAppointment]:
    """Return a doctor's active appointments on a date, in order. `day` counts from 1 January 2000."""
    rows = await db.fetch(
        """
        select lower(a.during) as start_time, upper(a.during) as end_time,
               cu.name as customer, t.name as type, d.name as doctor
          from clinic c
          join doctor d on d.clinic_id = c.id and d.id = $2
          join appointment a on a.clinic_id = c.id and a.doctor_id = d.id
                            and a.active_claim && tstzrange(
                                  local_instant(date '2000-01-01' + $3::int, 0, c.time_zone),
                                  local_instant(date '2000-01-01' + $3::int + 1, 0, c.time_zone))
          join customer cu on cu.id = a.customer_id
          left join appointment_type t on t.clinic_id = c.id and t.id = a.appointment_type_id
         where c.id = $1 and a.status <> 'pending'
         order by a.during
        """,
        clinic_id,
        doctor_id,
        day,
    )
    return [to(ListedAppointment, row) for row in rows]


async def list_stranded_appointments(
    db: Statements, *, clinic_id: int, now: datetime, limit: int
) -> list[ListedAppointment]:
    """Return the clinic's upcoming appointments that need rebooking, earliest first."""
    rows = await db.fetch(
        """
        select lower(a.during) as start_time, upper(a.during) as end_time,
               cu.name as customer, t.name as type, d.name as doctor
          from appointment a
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          join customer cu on cu.id = a.customer_id
          left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
         where a.clinic_id = $1 and lower(a.during) > $2 and a.needs_rebooking and a.active_during is not null
           and a.status <> 'pending'  -- the clinic does not know these customers yet
         order by lower(a.during)
         limit $3
        """,
        clinic_id,
        now,
        limit,
    )
    return [to(ListedAppointment, row) for row in rows]
