"""SQL for time slots, and for the schedule lines taken from them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg import Range

from ....database.pool import Row, Statements
from ....kit import fields
from ....kit.ids import clinic_of, new_id
from ..model import Minutes, TimeSlot


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


async def find(db: Statements, time_slot_id: UUID) -> TimeSlot | None:
    """Return a time slot, even if it was removed, or None for an unknown id."""
    row = await db.fetchrow(
        "select * from time_slot where clinic_id = $1 and id = $2", clinic_of(time_slot_id), time_slot_id
    )
    return _time_slot(row) if row else None


async def list_for_clinic(db: Statements, clinic_id: int) -> list[TimeSlot] | None:
    """Return the clinic's active time slots, earliest first, or None for an unknown clinic."""
    rows = await db.fetch("select * from time_slot where clinic_id = $1 and active order by active_minutes", clinic_id)
    if not rows and not await db.fetchval("select true from clinic where id = $1", clinic_id):
        return None
    return [_time_slot(row) for row in rows]


async def add(tx: Statements, clinic_id: int, *, minutes: Minutes, name: str | None) -> TimeSlot:
    """Insert a time slot with its event. Raise `ExclusionViolationError` naming `time_slots_intersect` if it overlaps
    another."""
    row = await tx.fetchrow(
        """
        with inserted as (
          insert into time_slot (clinic_id, id, minutes, name)
          values ($1, $2, $3, $4)
          returning *
        ), events as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'time-slot.added', id::text, version, jsonb_build_object('timeSlotId', id) from inserted
        )
        select * from inserted
        """,
        clinic_id,
        new_id(clinic_id),
        Range(*minutes),
        name,
    )
    assert row
    return _time_slot(row)


async def change(
    tx: Statements,
    time_slot_id: UUID,
    *,
    minutes: Minutes,
    name: str | None,
    removed_at: datetime | None,
    detached: Sequence[UUID] = (),
) -> TimeSlot:
    """Change the time slot and the active lines taken from it. `detached` are the doctors whose lines no longer come
    from it; they get the event for changed hours too.

    Raise `ExclusionViolationError` naming `time_slots_intersect` or `schedule_lines_overlap` if something would
    overlap.
    """
    row = await tx.fetchrow(
        """
        with changed as (
          update time_slot
             set minutes = $3, name = $4, active = $5::timestamptz is null, removed_at = $5, version = version + 1,
                 updated_at = now()
           where clinic_id = $1 and id = $2
          returning *
        ), moved as (
          update doctor_slot
             set minutes = $3, version = version + 1, updated_at = now()
           where clinic_id = $1 and active_time_slot_id = $2 and minutes <> $3
          returning doctor_id
        ), events as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, case when active then 'time-slot.changed' else 'time-slot.removed' end, id::text, version,
                 jsonb_build_object('timeSlotId', id)
            from changed
          union all
          select clinic_id, 'schedule.changed', id::text, version, jsonb_build_object('doctorId', id, 'timeSlotId', $2)
            from doctor
           where clinic_id = $1 and (id in (select doctor_id from moved) or id = any($6))
        )
        select * from changed
        """,
        clinic_of(time_slot_id),
        time_slot_id,
        Range(*minutes),
        name,
        removed_at,
        detached,
    )
    assert row
    return _time_slot(row)


async def count_lines(tx: Statements, time_slot_id: UUID) -> int:
    """Return the number of active schedule lines taken from the time slot."""
    return await tx.fetchval(
        "select count(*) from doctor_slot where clinic_id = $1 and active_time_slot_id = $2",
        clinic_of(time_slot_id),
        time_slot_id,
    )


async def lock_minutes(tx: Statements, clinic_id: int, ids: Sequence[UUID]) -> dict[UUID, Minutes]:
    """Return the minutes of the active time slots among `ids`, and lock them until the transaction ends."""
    rows = await tx.fetch(
        "select id, minutes from time_slot where clinic_id = $1 and active and id = any($2) order by id for key share",
        clinic_id,
        ids,
    )
    return {row.id: (row.minutes.lower, row.minutes.upper) for row in rows}
