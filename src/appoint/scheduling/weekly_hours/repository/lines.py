"""SQL for schedule lines, and for the locks on their doctors."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import Range

from ....database.pool import Row, Statements
from ....kit import fields
from ....kit.ids import clinic_of, new_id
from ..model import DoctorSlot, LockedDoctor, Minutes, Schedule


def _line(row: Row) -> DoctorSlot:
    return DoctorSlot(
        id=row.id,
        clinic_id=row.clinic_id,
        doctor_id=row.doctor_id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        weekday=fields.WEEKDAYS[int(row.weekday) - 1],
        start_time=fields.format_wall_time(row.minutes.lower),
        end_time=fields.format_wall_time(row.minutes.upper),
        time_slot_id=row.time_slot_id,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        active=row.active,
        removed_at=row.removed_at,
    )


async def lock_doctors(tx: Statements, clinic_id: int, *, doctor_id: UUID | None = None) -> list[LockedDoctor]:
    """Lock the doctor, or all the clinic's doctors, against other schedule changes and publishing until the transaction
    ends, without blocking bookings."""
    rows = await tx.fetch(
        """
        select id, active
          from doctor
         where clinic_id = $1 and ($2::uuid is null or id = $2)
         order by id
           for no key update
        """,
        clinic_id,
        doctor_id,
    )
    return [LockedDoctor(row.id, row.active) for row in rows]


async def find(db: Statements, doctor_slot_id: UUID) -> DoctorSlot | None:
    """Return a line, even if it was removed, or None for an unknown id."""
    row = await db.fetchrow(
        """
        select *, lower(valid) as valid_from, upper(valid) - 1 as valid_until
          from doctor_slot
         where clinic_id = $1 and id = $2
        """,
        clinic_of(doctor_slot_id),
        doctor_slot_id,
    )
    return _line(row) if row else None


async def load_schedule(db: Statements, doctor_id: UUID) -> Schedule | None:
    """Return all of a doctor's active lines, in order, or None for an unknown doctor."""
    clinic_id = clinic_of(doctor_id)
    time_zone = await db.fetchval(
        "select c.time_zone from doctor d join clinic c on c.id = d.clinic_id where d.clinic_id = $1 and d.id = $2",
        clinic_id,
        doctor_id,
    )
    if time_zone is None:
        return None
    rows = await db.fetch(
        """
        select *, lower(valid) as valid_from, upper(valid) - 1 as valid_until
          from doctor_slot
         where clinic_id = $1 and doctor_id = $2 and active
         order by weekday, lower(minutes), lower(valid) nulls first, id
        """,
        clinic_id,
        doctor_id,
    )
    return Schedule(doctor_id, clinic_id, time_zone, [_line(row) for row in rows])


async def list_for_clinic(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, since: date
) -> dict[UUID, list[DoctorSlot]]:
    """Return the clinic's active lines that are valid on the date or later, for one doctor or for all, grouped by
    doctor and in order."""
    rows = await db.fetch(
        """
        select *, lower(valid) as valid_from, upper(valid) - 1 as valid_until
          from doctor_slot
         where clinic_id = $1 and ($2::uuid is null or doctor_id = $2) and active and not valid << daterange($3, null)
         order by weekday, lower(minutes), lower(valid) nulls first, id
        """,
        clinic_id,
        doctor_id,
        since,
    )
    lines: dict[UUID, list[DoctorSlot]] = {}
    for row in rows:
        lines.setdefault(row.doctor_id, []).append(_line(row))
    return lines


async def add(
    tx: Statements,
    doctor_id: UUID,
    lines: Sequence[tuple[int, Minutes, UUID | None]],
    *,
    valid_from: date | None,
    valid_until: date | None,
) -> list[UUID]:
    """Insert lines, each given as a weekday (from 1), minutes and a time slot, and return their ids. Raise
    `ExclusionViolationError` naming `schedule_lines_overlap` if lines overlap."""
    clinic_id = clinic_of(doctor_id)
    ids = [new_id(clinic_id) for _ in lines]
    await tx.execute(
        """
        insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, time_slot_id, valid)
        select $1, id, $2, weekday, int4range(starts, ends), time_slot_id, daterange($8, $9, '[]')
          from unnest($3::uuid[], $4::int[], $5::int[], $6::int[], $7::uuid[])
            as line (id, weekday, starts, ends, time_slot_id)
        """,
        clinic_id,
        doctor_id,
        ids,
        [line[0] for line in lines],
        [line[1][0] for line in lines],
        [line[1][1] for line in lines],
        [line[2] for line in lines],
        valid_from,
        valid_until,
    )
    return ids


async def change(
    tx: Statements,
    doctor_slot_id: UUID,
    *,
    weekday: int,
    minutes: Minutes,
    time_slot_id: UUID | None,
    valid_from: date | None,
    valid_until: date | None,
) -> None:
    """Replace a line. Raise `ExclusionViolationError` naming `schedule_lines_overlap` if lines overlap."""
    await tx.execute(
        """
        update doctor_slot
           set weekday = $3, minutes = $4, time_slot_id = $5, valid = daterange($6, $7, '[]'), version = version + 1,
               updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        clinic_of(doctor_slot_id),
        doctor_slot_id,
        weekday,
        Range(*minutes),
        time_slot_id,
        valid_from,
        valid_until,
    )


async def remove(tx: Statements, doctor_slot_id: UUID, *, now: datetime) -> None:
    """Mark a line as removed."""
    await tx.execute(
        """
        update doctor_slot
           set active = false, removed_at = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and active
        """,
        clinic_of(doctor_slot_id),
        doctor_slot_id,
        now,
    )


async def end_all(tx: Statements, doctor_id: UUID, *, before: date, now: datetime) -> None:
    """End lines that begin before the date: their last day is the day before it. Remove lines that begin on the date or
    later."""
    await tx.execute(
        """
        update doctor_slot
           set valid = case when lower(valid) >= $3 then valid else daterange(lower(valid), $3) end,
               active = coalesce(lower(valid) < $3, true),
               removed_at = case when lower(valid) >= $3 then $4::timestamptz end,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and doctor_id = $2 and active and not valid << daterange($3, null)
        """,
        clinic_of(doctor_id),
        doctor_id,
        before,
        now,
    )


async def split(tx: Statements, time_slot_id: UUID, *, at: date) -> None:
    """Split the lines that are taken from the time slot and began before the date, so that only their hours from the
    date on change with it. The earlier part becomes a new line. A line without a first date begins when it was created.
    """
    await tx.execute(
        """
        with continued as (
          update doctor_slot
             set valid = daterange($3::date, upper(valid)), version = version + 1, updated_at = now()
           where clinic_id = $1 and active_time_slot_id = $2 and valid && daterange($3::date - 1, $3)
             and valid && daterange($3, null)
             and (not lower_inf(valid)
                  or created_at < (select local_instant($3, 0, time_zone) from clinic where id = $1))
          returning clinic_id, doctor_id, weekday, minutes, lower(old.valid) as valid_from, created_at
        )
        insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid, created_at)
        select clinic_id, mint_id(clinic_id), doctor_id, weekday, minutes, daterange(valid_from, $3::date), created_at
          from continued
        """,
        clinic_of(time_slot_id),
        time_slot_id,
        at,
    )


async def detach_ended(tx: Statements, time_slot_id: UUID, *, today: date) -> list[UUID]:
    """Let the lines that ended before today keep their hours, whatever becomes of the time slot. Return their
    doctors."""
    rows = await tx.fetch(
        """
        update doctor_slot
           set time_slot_id = null, version = version + 1, updated_at = now()
         where clinic_id = $1 and active_time_slot_id = $2 and valid << daterange($3, null)
        returning doctor_id
        """,
        clinic_of(time_slot_id),
        time_slot_id,
        today,
    )
    return [row.doctor_id for row in rows]


async def emit_change(tx: Statements, doctor_id: UUID, **data: Any) -> None:
    """Append the event for a change to the doctor's weekly hours."""
    await tx.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'schedule.changed', id::text, version,
               jsonb_build_object('doctorId', id) || $3::text::jsonb
          from doctor
         where clinic_id = $1 and id = $2
        """,
        clinic_of(doctor_id),
        doctor_id,
        msgspec.json.encode(data).decode(),
    )
