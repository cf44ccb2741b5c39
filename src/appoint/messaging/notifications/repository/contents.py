"""The content of messages, read when they are sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ....calls.providers.model import Gateway
from ....database.pool import Row, Statements, to
from ....database.sql import load
from ....kit import ids
from ....kit.key_ring import EncryptedField, is_unreadable
from ...templates.model import ListedAppointment
from ..model import NotificationContext

READ_CONTEXTS: Final = load(__name__, "read_contexts")


async def read_contexts(
    db: Statements,
    *,
    notification_id: UUID,
    attempts: int | None,
    follower_ids: Sequence[UUID] = (),
    default_gateway: Gateway | None,
) -> list[NotificationContext]:
    """Return the notifications in a message with the current state of their subjects, beginning with the leader. Skip
    those that are no longer leased for this attempt; without `attempts`, none are skipped. Without a default gateway,
    only clinics that have chosen a provider have video visits."""
    rows = await db.fetch(
        READ_CONTEXTS,
        clinic_id=ids.clinic_of(notification_id),
        notification_id=notification_id,
        attempts=attempts,
        ids=[notification_id, *follower_ids],
        default_gateway=default_gateway,
    )
    return [_context(db, row) for row in rows]


def _context(db: Statements, row: Row) -> NotificationContext:
    reason = db.keys.decrypt(row.cancel_reason, EncryptedField.CANCEL_REASON, row.subject_id)
    return to(NotificationContext, row, cancel_reason=None if is_unreadable(reason) else reason)


async def list_appointments_of_day(
    db: Statements, *, clinic_id: int, doctor_id: UUID, day: int
) -> list[ListedAppointment]:
    """Return a doctor's active appointments on a date, in order. `day` counts from 1 January 2000."""
    rows = await db.fetch(
        """
        select lower(a.during) as start_time, upper(a.during) as end_time,
               cu.name as customer, t.name as type, d.name as doctor, a.id,
               exists (select from call v where v.clinic_id = c.id and v.live_appointment_id = a.id) as has_call
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
