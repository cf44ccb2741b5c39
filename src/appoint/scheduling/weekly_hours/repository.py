"""Everything the tables of time slots and schedule lines are asked.

Who writes takes locks first, in this order: the clinic (time slots), the doctors by id, the time slot. So nobody
deadlocks, and what was read still holds.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import Range

from ...database.pool import Row, Statements
from ...kit import fields
from ...kit.ids import clinic_of, new_id
from .model import DoctorSlot, Minutes, Schedule, TimeSlot


def _time_slot(row: Row) -> TimeSlot:
    return TimeSlot(
        id=row.id,
        clinic_id=row.clinic_id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        name=row.name,
        start_time=fields.format_wall_time(row.minutes.lower),
        end_time=fields.format_wall_time(row.minutes.upper),
        active=row.active,
        removed_at=row.removed_at,
    )


def _line(row: Row) -> DoctorSlot:
    return DoctorSlot(
        id=row.id,
        clinic_id=row.clinic_id,
        doctor_id=row.doctor_id,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        weekday=fields.WEEKDAYS[row.weekday - 1],
        start_time=fields.format_wall_time(row.minutes.lower),
        end_time=fields.format_wall_time(row.minutes.upper),
        time_slot_id=row.time_slot_id,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        active=row.active,
        removed_at=row.removed_at,
    )


async def find_time_slot(db: Statements, time_slot_id: UUID) -> TimeSlot | None:
    row = await db.fetchrow(
        "select * from time_slot where clinic_id = $1 and id = $2", clinic_of(time_slot_id), time_slot_id
    )
    return _time_slot(row) if row else None


async def time_slots(db: Statements, clinic_id: int) -> list[TimeSlot] | None:
    """The clinic's active ones, earliest first; None where there is no such clinic."""
    rows = await db.fetch("select * from time_slot where clinic_id = $1 and active order by active_minutes", clinic_id)
    if not rows and not await db.fetchval("select true from clinic where id = $1", clinic_id):
        return None
    return [_time_slot(row) for row in rows]


async def add_time_slot(tx: Statements, clinic_id: int, *, minutes: Minutes, name: str | None) -> TimeSlot:
    """Raises `ExclusionViolationError` naming `time_slots_intersect`."""
    row = await tx.fetchrow(
        """
        with made as (
          insert into time_slot (clinic_id, id, minutes, name) values ($1, $2, $3, $4)
          returning *
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'time-slot.added', id::text, version, jsonb_build_object('timeSlotId', id) from made
        )
        select * from made
        """,
        clinic_id,
        new_id(clinic_id),
        Range(*minutes),
        name,
    )
    assert row
    return _time_slot(row)


async def change_time_slot(
    tx: Statements, time_slot_id: UUID, *, minutes: Minutes, name: str | None, removed_at: datetime | None
) -> TimeSlot:
    """Change the time slot, and with it the active lines taken from it.

    Raises `ExclusionViolationError` naming `time_slots_intersect` or `schedule_lines_overlap`.
    """
    row = await tx.fetchrow(
        """
        with changed as (
          update time_slot
             set minutes = $3, name = $4, active = $5::timestamptz is null, removed_at = $5, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2
          returning *
        ), moved as (
          update doctor_slot
             set minutes = $3, version = version + 1, updated_at = now()
           where clinic_id = $1 and active_time_slot_id = $2 and minutes <> $3
          returning doctor_id
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, case when active then 'time-slot.changed' else 'time-slot.removed' end, id::text, version, jsonb_build_object('timeSlotId', id)
            from changed
          union all
          select clinic_id, 'schedule.changed', id::text, version, jsonb_build_object('doctorId', id, 'timeSlotId', $2)
            from doctor where clinic_id = $1 and id in (select doctor_id from moved)
        )
        select * from changed
        """,
        clinic_of(time_slot_id),
        time_slot_id,
        Range(*minutes),
        name,
        removed_at,
    )
    assert row
    return _time_slot(row)


async def lines_from(tx: Statements, time_slot_id: UUID) -> int:
    """How many active schedule lines are taken from the time slot."""
    return await tx.fetchval(
        "select count(*) from doctor_slot where clinic_id = $1 and active_time_slot_id = $2",
        clinic_of(time_slot_id),
        time_slot_id,
    )


async def lock_doctors(tx: Statements, clinic_id: int, *, doctor_id: UUID | None = None) -> Sequence[Row]:
    """The doctor, or all of the clinic, whose schedules nobody else changes or publishes until the transaction ends;
    bookings go on."""
    return await tx.fetch(
        """
        select d.id, d.active, c.time_zone
          from doctor d join clinic c on c.id = d.clinic_id
         where d.clinic_id = $1 and ($2::uuid is null or d.id = $2)
         order by d.id
           for no key update of d
        """,
        clinic_id,
        doctor_id,
    )


async def minutes_of_time_slots(tx: Statements, clinic_id: int, ids: Sequence[UUID]) -> dict[UUID, Minutes]:
    """The minutes of active time slots, which keep them until the transaction ends."""
    rows = await tx.fetch(
        "select id, minutes from time_slot where clinic_id = $1 and active and id = any($2) order by id for key share",
        clinic_id,
        ids,
    )
    return {row.id: (row.minutes.lower, row.minutes.upper) for row in rows}


async def find_line(db: Statements, doctor_slot_id: UUID) -> DoctorSlot | None:
    row = await db.fetchrow(
        "select *, lower(valid) as valid_from, upper(valid) - 1 as valid_until from doctor_slot where clinic_id = $1 and id = $2",
        clinic_of(doctor_slot_id),
        doctor_slot_id,
    )
    return _line(row) if row else None


async def schedule(db: Statements, doctor_id: UUID) -> Schedule | None:
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


async def lines_of_clinic(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, since: date
) -> dict[UUID, list[DoctorSlot]]:
    """The active lines of all doctors of the clinic, or of one, that hold on the date or later, by doctor and in order."""
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


async def add_lines(
    tx: Statements,
    doctor_id: UUID,
    lines: Sequence[tuple[int, Minutes, UUID | None]],
    *,
    valid_from: date | None,
    valid_until: date | None,
) -> list[UUID]:
    """New lines as (weekday from 1, minutes, time slot); returns their ids. Raises `ExclusionViolationError` naming
    `schedule_lines_overlap`."""
    clinic_id = clinic_of(doctor_id)
    added = [new_id(clinic_id) for _ in lines]
    await tx.execute(
        """
        insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, time_slot_id, valid)
        select $1, id, $2, weekday, int4range(starts, ends), time_slot_id, daterange($8, $9, '[]')
          from unnest($3::uuid[], $4::int[], $5::int[], $6::int[], $7::uuid[]) as line (id, weekday, starts, ends, time_slot_id)
        """,
        clinic_id,
        doctor_id,
        added,
        [line[0] for line in lines],
        [line[1][0] for line in lines],
        [line[1][1] for line in lines],
        [line[2] for line in lines],
        valid_from,
        valid_until,
    )
    return added


async def change_line(
    tx: Statements,
    doctor_slot_id: UUID,
    *,
    weekday: int,
    minutes: Minutes,
    time_slot_id: UUID | None,
    valid_from: date | None,
    valid_until: date | None,
) -> None:
    """Raises `ExclusionViolationError` naming `schedule_lines_overlap`."""
    await tx.execute(
        """
        update doctor_slot
           set weekday = $3, minutes = $4, time_slot_id = $5, valid = daterange($6, $7, '[]'), version = version + 1, updated_at = now()
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


async def remove_line(tx: Statements, doctor_slot_id: UUID, *, now: datetime) -> None:
    await tx.execute(
        "update doctor_slot set active = false, removed_at = $3, version = version + 1, updated_at = now() where clinic_id = $1 and id = $2 and active",
        clinic_of(doctor_slot_id),
        doctor_slot_id,
        now,
    )


async def end_lines(tx: Statements, doctor_id: UUID, *, before: date, now: datetime) -> None:
    """What holds before the date ends the day before; what would only begin on it or later is removed."""
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


async def tell_changed(tx: Statements, doctor_id: UUID, **facts: Any) -> None:
    """The event that the doctor's weekly hours have changed."""
    await tx.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'schedule.changed', id::text, version, jsonb_build_object('doctorId', id) || $3::text::jsonb from doctor where clinic_id = $1 and id = $2
        """,
        clinic_of(doctor_id),
        doctor_id,
        msgspec.json.encode(facts).decode(),
    )
