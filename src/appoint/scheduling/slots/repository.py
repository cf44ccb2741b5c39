"""SQL for booking slots, except for changes made by absences and schedule changes.

Publishing and withdrawing take locks first, in this order: the clinic, the doctors by id, appointments by id. This
prevents deadlocks and stops rows from changing between reading and writing.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ...booking import repository as appointments
from ...booking.model import Appointment
from ...database.pool import Statements, to
from ...database.sql import load
from ...kit.ids import clinic_of, new_id
from .model import BookingSlot, Generated, LockedClinic, StoredSlot

GENERATE: Final = load(__name__, "generate")


async def find(db: Statements, booking_slot_id: UUID) -> StoredSlot | None:
    """Return a slot, even if it was removed, or None for an unknown id."""
    row = await db.fetchrow(
        """
        select *, lower(during) as start_time, upper(during) as end_time, removed_at is null as active
          from booking_slot
         where clinic_id = $1 and id = $2
        """,
        clinic_of(booking_slot_id),
        booking_slot_id,
    )
    return StoredSlot(to(BookingSlot, row), row.remnant) if row else None


async def list_for_doctor(
    db: Statements,
    doctor_id: UUID,
    *,
    first: date | None,
    last: date | None,
    status: str | None,
    after: tuple[datetime] | None,
    limit: int,
    now: datetime,
) -> list[BookingSlot]:
    """Return the doctor's published slots on local dates (by default, from today), earliest first, plus one beyond
    `limit` if there is a next page."""
    rows = await db.fetch(
        """
        with bounds as (
          select local_instant(coalesce($3, ($7 at time zone time_zone)::date), 0, time_zone) as since,
                 local_instant($4::date + 1, 0, time_zone) as until
            from clinic
           where id = $1
        )
        select s.*, lower(s.during) as start_time, upper(s.during) as end_time, true as active
          from booking_slot s, bounds
         where s.clinic_id = $1 and s.doctor_id = $2 and s.active_during && tstzrange(since, null)
           and (until is null or lower(s.active_during) < until)
           and ($5::text is null
                or ($5 = 'booked') = exists (select from appointment a
                                              where a.clinic_id = $1 and a.doctor_id = $2
                                                and a.active_claim && s.active_during))
           and ($6::timestamptz is null or lower(s.active_during) > $6)
         order by lower(s.active_during)
         limit $8 + 1
        """,
        clinic_of(doctor_id),
        doctor_id,
        first,
        last,
        status,
        after[0] if after else None,
        now,
        limit,
    )
    return [to(BookingSlot, row) for row in rows]


async def list_appointments(db: Statements, clinic_id: int, slot_ids: Sequence[UUID]) -> dict[UUID, list[Appointment]]:
    """Return the live appointments in each slot, earliest first."""
    rows = await db.fetch(
        """
        select s.id as booking_slot_id, shown.*
          from booking_slot s
          join appointment a on a.clinic_id = $1 and a.doctor_id = s.doctor_id
                            and a.active_claim && s.active_during and a.active_during && s.active_during
          join shown_appointment shown on shown.clinic_id = $1 and shown.id = a.id
         where s.clinic_id = $1 and s.id = any($2)
         order by shown.start_time
        """,
        clinic_id,
        slot_ids,
    )
    by_slot: dict[UUID, list[Appointment]] = {slot_id: [] for slot_id in slot_ids}
    for row in rows:
        by_slot[row.booking_slot_id].append(appointments.to_appointment(row, db.keys))
    return by_slot


async def share_clinic(tx: Statements, clinic_id: int) -> LockedClinic | None:
    """Lock the clinic against new absences and changes to its time zone until the transaction ends."""
    row = await tx.fetchrow("select time_zone, active, horizon_days from clinic where id = $1 for share", clinic_id)
    return LockedClinic(row.time_zone, row.active, row.horizon_days) if row else None


async def generate(tx: Statements, clinic_id: int, *, doctor_id: UUID | None, first: date, last: date) -> Generated:
    """Publish the weekly schedules on the dates, except for time that is already published."""
    row = await tx.fetchrow(GENERATE, clinic_id=clinic_id, doctor_id=doctor_id, first=first, last=last)
    assert row
    return to(Generated, row)


async def add(tx: Statements, doctor_id: UUID, *, start: datetime, end: datetime, day: date) -> UUID | None:
    """Publish a slot manually. Return its id, or None if it overlaps another slot."""
    clinic_id = clinic_of(doctor_id)
    return await tx.fetchval(
        """
        with inserted as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, source)
          values ($1, $2, $3, $4, tstzrange($5, $6), 'manual')
          on conflict do nothing
          returning clinic_id, id, version, doctor_id
        ), events as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'slot.published', id::text, version,
                 jsonb_build_object('doctorId', doctor_id, 'startTime', $5, 'endTime', $6)
            from inserted
        )
        select id from inserted
        """,
        clinic_id,
        new_id(clinic_id),
        doctor_id,
        day,
        start,
        end,
    )


async def move(
    tx: Statements, booking_slot_id: UUID, *, start: datetime, end: datetime, day: date, now: datetime
) -> None:
    """Change the slot's start and end. Time that it loses counts as removed manually. A slot that gains time becomes
    manual.

    Raise `ExclusionViolationError` (`published`) if another slot overlaps it, or `ForeignKeyViolationError`
    (`within_hours`) if an appointment would lie outside it.
    """
    await tx.execute(
        """
        with moved as (
          update booking_slot
             set during = tstzrange($3, $4), date = $5, removed_at = null, version = version + 1, updated_at = now(),
                 source = case when during @> tstzrange($3, $4) then source else 'manual' end,
                 time_slot_id = case when during @> tstzrange($3, $4) then time_slot_id end
           where clinic_id = $1 and id = $2
          returning clinic_id, id, version, doctor_id, during, old.during as old_during, old.date as old_date,
                    old.source as old_source, old.time_slot_id as old_time_slot_id
        ), removed as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, source, time_slot_id, removed_at)
          select clinic_id, mint_id(clinic_id), doctor_id, old_date, piece, old_source, old_time_slot_id, $6
            from moved, unnest(tstzmultirange(old_during) - tstzmultirange(during)) as piece
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'slot.moved', id::text, version,
               jsonb_build_object('doctorId', doctor_id, 'startTime', $3, 'endTime', $4,
                                  'oldStartTime', lower(old_during), 'oldEndTime', upper(old_during))
          from moved
        """,
        clinic_of(booking_slot_id),
        booking_slot_id,
        start,
        end,
        day,
        now,
    )


async def forget_removals(tx: Statements, doctor_id: UUID, *, start: datetime, end: datetime, day: date) -> None:
    """Forget that time in the range was removed manually. Removed slots keep whatever lies outside the range, possibly
    as two parts."""
    await tx.execute(
        """
        with removal as materialized (
          select *, array(select unnest(tstzmultirange(during) - tstzmultirange(tstzrange($3, $4)))) as pieces
            from booking_slot
           where clinic_id = $1 and doctor_id = $2 and removed_at is not null
             and date between $5::date - 1 and $5::date + 1 and during && tstzrange($3, $4)
        ), deleted as (
          delete from booking_slot
           where clinic_id = $1 and id in (select id from removal where cardinality(pieces) = 0)
        ), shortened as (
          update booking_slot s
             set during = r.pieces[1], version = s.version + 1, updated_at = now()
            from removal r
           where s.clinic_id = $1 and s.id = r.id and cardinality(r.pieces) > 0
        )
        insert into booking_slot (clinic_id, id, doctor_id, date, during, source, time_slot_id, removed_at)
        select clinic_id, mint_id(clinic_id), doctor_id, date, piece, source, time_slot_id, removed_at
          from removal, unnest(pieces[2:]) as piece
        """,
        clinic_of(doctor_id),
        doctor_id,
        start,
        end,
        day,
    )


async def remove(tx: Statements, booking_slot_id: UUID, *, now: datetime) -> None:
    """Remove a slot manually. Raise `ForeignKeyViolationError` (`within_hours`) if it has an appointment."""
    await tx.execute(
        """
        with removed as (
          update booking_slot
             set removed_at = $3, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2 and removed_at is null
          returning clinic_id, id, version, doctor_id, during
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'slot.withdrawn', id::text, version, slot_event_data(doctor_id, during)
          from removed
        """,
        clinic_of(booking_slot_id),
        booking_slot_id,
        now,
    )


async def list_active_clinics(db: Statements) -> list[int]:
    """Return the ids of all active clinics, for nightly work."""
    return [row.id for row in await db.fetch("select id from clinic where active order by id")]
