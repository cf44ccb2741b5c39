"""SQL that makes published hours match weekly schedules, and the locks it needs."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from ...booking import repository as appointments
from ...booking.model import Appointment, Status
from ...database.pool import Statements, to
from ...database.sql import load
from .model import PublicationChanges, PublishedHours, Span

FIT: Final = load(__name__, "fit")
APPLY: Final = load(__name__, "apply")


async def stop_bookings(tx: Statements, clinic_id: int, *, doctor_id: UUID | None) -> bool:
    """Lock the doctor, or all the clinic's doctors, against new bookings until the transaction ends. Wait for bookings
    in progress. Return whether any doctor was found."""
    return bool(
        await tx.fetch(
            "select from doctor where clinic_id = $1 and ($2::uuid is null or id = $2) order by id for update",
            clinic_id,
            doctor_id,
        )
    )


async def lock_appointments(
    tx: Statements, clinic_id: int, *, doctor_id: UUID | None, start: datetime, end: datetime
) -> list[UUID]:
    """Lock the live appointments in the range until the transaction ends. Return the ids of those that are not over."""
    rows = await tx.fetch(
        """
        select id, status
          from appointment
         where clinic_id = $1 and ($2::uuid is null or doctor_id = $2)
           and active_claim && tstzrange($3, $4) and active_during && tstzrange($3, $4)
         order by id
           for no key update
        """,
        clinic_id,
        doctor_id,
        start,
        end,
    )
    return [row.id for row in rows if row.status != Status.FULFILLED]


async def fit(
    db: Statements,
    clinic_id: int,
    *,
    doctor_id: UUID | None,
    first: date,
    last: date,
    around: tuple[datetime, datetime] | None = None,
    now: datetime,
) -> PublicationChanges:
    """Return the changes that would make the hours on these dates match the weekly schedules from now on, without
    making them.

    Manual slots, manually removed time and slots in progress never change. `around` limits the comparison to lines with
    time in that range, and to the slots published from them, so that those slots become whole again.
    """
    around_start, around_end = around or (None, None)
    rows = await db.fetch(
        FIT,
        clinic_id=clinic_id,
        doctor_id=doctor_id,
        first=first,
        last=last,
        around_start=around_start,
        around_end=around_end,
        now=now,
    )
    return PublicationChanges.of((row.outcome, to(Span, row)) for row in rows)


async def apply(tx: Statements, clinic_id: int, changes: PublicationChanges) -> None:
    """Make the changes that `fit` returned."""
    published = [*changes.added, *changes.left]
    await tx.execute(
        APPLY,
        clinic_id=clinic_id,
        deleted_ids=[span.id for span in (*changes.removed, *changes.absorbed)],
        doctor_ids=[span.doctor_id for span in published],
        dates=[span.date for span in published],
        starts=[span.start for span in published],
        ends=[span.end for span in published],
        time_slot_ids=[span.time_slot_id for span in published],
        slots=len(changes.added),
        stranded_ids=[span.id for span in changes.stranded],
        covered_ids=[span.id for span in changes.covered],
    )


async def find_published_hours(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, now: datetime
) -> PublishedHours | None:
    """Return the clinic's or the doctor's last published date, or None for an unknown clinic or doctor."""
    row = await db.fetchrow(
        """
        select time_zone, (select max(date)
                             from booking_slot s
                            where s.clinic_id = $1 and ($2::uuid is null or s.doctor_id = $2)
                              and s.active_during && tstzrange($3, null)) as last_date,
               horizon_days
          from clinic
         where id = $1 and ($2 is null or exists (select from doctor where clinic_id = $1 and id = $2))
        """,
        clinic_id,
        doctor_id,
        now,
    )
    return PublishedHours(row.time_zone, row.last_date, row.horizon_days) if row else None


async def find_appointments(db: Statements, clinic_id: int, ids: Sequence[UUID]) -> list[Appointment]:
    """Return the appointments, earliest first."""
    rows = await db.fetch(
        "select * from shown_appointment where clinic_id = $1 and id = any($2) order by start_time, id", clinic_id, ids
    )
    return [appointments.to_appointment(row, db.keys) for row in rows]


async def emit(tx: Statements, clinic_id: int, type: str, *, doctor_id: UUID | None, data: dict[str, Any]) -> None:
    """Append an event that concerns many slots. Its subject is the doctor, or else the clinic."""
    await tx.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select c.id, $2, coalesce(d.id::text, c.id::text), coalesce(d.version, c.version), $4::text::jsonb
          from clinic c
          left join doctor d on d.clinic_id = c.id and d.id = $3
         where c.id = $1
        """,
        clinic_id,
        type,
        doctor_id,
        msgspec.json.encode(data).decode(),
    )
