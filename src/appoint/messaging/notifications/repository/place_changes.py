"""SQL for messages about appointments that now take place online, or in person instead."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ....database.pool import Statements


class UpcomingAppointment(NamedTuple):
    id: UUID
    customer_id: UUID
    sequence: int
    start_time: datetime
    has_unsent_message: bool
    """Whether a confirmation, or a message about a new time, has yet to be sent. It will give the current place."""


async def list_upcoming(db: Statements, *, clinic_id: int, type_id: UUID, now: datetime) -> list[UpcomingAppointment]:
    """Return an appointment type's appointments that are booked and have not started."""
    rows = await db.fetch(
        """
        select a.id, a.customer_id, a.sequence, lower(a.during),
               exists (select
                         from notification n
                        where n.clinic_id = $1 and n.subject_id = a.id::text and n.sequence = a.sequence
                          and n.kind in ('confirmation', 'moved') and n.status = 'queued' and n.round = 0)
          from appointment a
         where a.clinic_id = $1 and a.appointment_type_id = $2 and lower(a.during) > $3
           and a.status in ('booked', 'arrived', 'checked-in')
         order by a.id
        """,
        clinic_id,
        type_id,
        now,
    )
    return [UpcomingAppointment(*row.values()) for row in rows]


async def withdraw(tx: Statements, *, clinic_id: int, type_id: UUID, kind: str, now: datetime) -> set[UUID]:
    """Supersede messages about changes of the type's mode that have not been sent, except those of this kind. Return
    the appointments whose patients have heard nothing about such a change."""
    rows = await tx.fetch(
        """
        with withdrawn as (
          update notification n
             set status = 'superseded', reason = 'the appointment has changed', version = n.version + 1,
                 updated_at = now()
            from appointment a
           where a.clinic_id = $1 and a.appointment_type_id = $2 and lower(a.during) > $3
             and n.clinic_id = $1 and n.subject_id = a.id::text and n.kind like 'place-changed-%' and n.kind <> $4
             and n.status = 'queued' and n.round = 0
          returning a.id, n.kind
        )
        select distinct w.id
          from withdrawn w
         where not exists (select
                             from notification n
                            where n.clinic_id = $1 and n.subject_id = w.id::text and n.kind = w.kind
                              and n.status in ('leased', 'sent'))
        """,
        clinic_id,
        type_id,
        now,
        kind,
    )
    return {row.id for row in rows}
