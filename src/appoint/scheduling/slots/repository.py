"""Everything the booking slot table is asked, but for what absences and schedule changes do to it.

Who publishes or withdraws takes locks first, in this order: the clinic, the doctors by id, appointments by id. So
nobody deadlocks, and what a statement reads is still so when it writes.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from ...booking import repository as appointments
from ...booking.model import Appointment
from ...database.pool import Row, Statements, to
from ...kit.ids import clinic_of, new_id
from .model import BookingSlot, Generated


async def find(db: Statements, booking_slot_id: UUID) -> Row | None:
    """The slot as a row of `slot`, with `remnant`."""
    return await db.fetchrow(
        """
        select *, lower(during) as start_time, upper(during) as end_time, removed_at is null as active
          from booking_slot
         where clinic_id = $1 and id = $2
        """,
        clinic_of(booking_slot_id),
        booking_slot_id,
    )


def slot(row: Row) -> BookingSlot:
    return to(BookingSlot, row)


async def of_doctor(
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
    """What is published on local dates (from today on, when no first one is given), earliest first; one more than
    `limit` when the list goes on."""
    rows = await db.fetch(
        """
        with bounds as (
          select local_instant(coalesce($3, ($7 at time zone time_zone)::date), 0, time_zone) as since, local_instant($4::date + 1, 0, time_zone) as until
            from clinic
           where id = $1
        )
        select s.*, lower(s.during) as start_time, upper(s.during) as end_time, true as active
          from booking_slot s, bounds
         where s.clinic_id = $1 and s.doctor_id = $2 and s.active_during && tstzrange(since, null)
           and (until is null or lower(s.active_during) < until)
           and ($5::text is null or ($5 = 'booked') = exists (select from appointment a
                                                               where a.clinic_id = $1 and a.doctor_id = $2 and a.active_claim && s.active_during))
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
    return [slot(row) for row in rows]


async def appointments_on(db: Statements, clinic_id: int, slot_ids: Sequence[UUID]) -> dict[UUID, list[Appointment]]:
    """The live appointments on each of the slots, earliest first."""
    rows = await db.fetch(
        """
        select s.id as booking_slot_id, shown.*
          from booking_slot s
          join appointment a on a.clinic_id = $1 and a.doctor_id = s.doctor_id and a.active_claim && s.active_during and a.active_during && s.active_during
          join shown_appointment shown on shown.clinic_id = $1 and shown.id = a.id
         where s.clinic_id = $1 and s.id = any($2)
         order by shown.start_time
        """,
        clinic_id,
        slot_ids,
    )
    found: dict[UUID, list[Appointment]] = {slot_id: [] for slot_id in slot_ids}
    for row in rows:
        found[row.booking_slot_id].append(appointments.appointment(row))
    return found


async def share_clinic(tx: Statements, clinic_id: int) -> Row | None:
    """The clinic, whose zone nobody changes, and for which nobody adds an absence, until the transaction ends."""
    return await tx.fetchrow("select time_zone, active, horizon_days from clinic where id = $1 for share", clinic_id)


async def generate(tx: Statements, clinic_id: int, *, doctor_id: UUID | None, first: date, last: date) -> Generated:
    """Publish what the weekly schedules give on the dates and is not published yet."""
    row = await tx.fetchrow(
        """
        with published as (
          select b.doctor_id, b.date, range_agg(b.active_during) as during
            from clinic c
            join booking_slot b on b.clinic_id = c.id and ($2::uuid is null or b.doctor_id = $2)
                               and b.active_during && tstzrange(local_instant($3, 0, c.time_zone), local_instant($4::date + 1, 0, c.time_zone))
           where c.id = $1
           group by b.doctor_id, b.date
        ), line as materialized (
          select s.doctor_id, s.date, s.time_slot_id, s.pieces - coalesce(p.during, '{}') as pieces
            from scheduled($1, $2, $3, $4) s left join published p using (doctor_id, date)
        ), made as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, time_slot_id)
          select $1, mint_id($1), doctor_id, date, piece, time_slot_id from line, unnest(pieces) as piece
           where (select count(*) from line) > 0  -- all lines are worked out before the first is written, or each would look among the rows of those before
          on conflict do nothing
          returning 1
        ), result as (
          select (select count(*) from made) as created, (select count(*) from line where isempty(pieces)) as skipped
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select $1, 'slots.generated', coalesce($2::text, $1::text), coalesce(d.version, c.version), jsonb_build_object('created', created, 'from', $3, 'to', $4)
            from result join clinic c on c.id = $1 left join doctor d on d.clinic_id = $1 and d.id = $2
           where created > 0
        )
        select * from result
        """,
        clinic_id,
        doctor_id,
        first,
        last,
    )
    assert row
    return to(Generated, row)


async def add(tx: Statements, doctor_id: UUID, *, start: datetime, end: datetime, day: date) -> UUID | None:
    """Publish a slot by hand; its id, or None when another slot is in the way."""
    clinic_id = clinic_of(doctor_id)
    return await tx.fetchval(
        """
        with made as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, source) values ($1, $2, $3, $4, tstzrange($5, $6), 'manual')
          on conflict do nothing
          returning clinic_id, id, version, doctor_id
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'slot.published', id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', $5, 'endTime', $6) from made
        )
        select id from made
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
    """Give the slot other bounds. Time that it gives up counts as removed by hand; a slot that takes new time is one by
    hand from then on.

    Raises `ExclusionViolationError` (`published`) when another slot is in the way, `ForeignKeyViolationError`
    (`within_hours`) when an appointment is.
    """
    await tx.execute(
        """
        with moved as (
          update booking_slot
             set during = tstzrange($3, $4), date = $5, removed_at = null, version = version + 1, updated_at = now(),
                 source = case when during @> tstzrange($3, $4) then source else 'manual' end,
                 time_slot_id = case when during @> tstzrange($3, $4) then time_slot_id end
           where clinic_id = $1 and id = $2
          returning clinic_id, id, version, doctor_id, during, old.during as old_during, old.date as old_date, old.source as old_source,
                    old.time_slot_id as old_time_slot_id
        ), given_up as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, source, time_slot_id, removed_at)
          select clinic_id, mint_id(clinic_id), doctor_id, old_date, piece, old_source, old_time_slot_id, $6
            from moved, unnest(tstzmultirange(old_during) - tstzmultirange(during)) as piece
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'slot.moved', id::text, version,
               jsonb_build_object('doctorId', doctor_id, 'startTime', $3, 'endTime', $4, 'oldStartTime', lower(old_during), 'oldEndTime', upper(old_during))
          from moved
        """,
        clinic_of(booking_slot_id),
        booking_slot_id,
        start,
        end,
        day,
        now,
    )


async def bring_back(tx: Statements, doctor_id: UUID, *, start: datetime, end: datetime, day: date) -> None:
    """Time in the range is no longer removed by hand: what was removed shrinks to what lies outside, in two parts
    perhaps."""
    await tx.execute(
        """
        with back as materialized (
          select *, array(select unnest(tstzmultirange(during) - tstzmultirange(tstzrange($3, $4)))) as pieces
            from booking_slot
           where clinic_id = $1 and doctor_id = $2 and removed_at is not null and date between $5::date - 1 and $5::date + 1 and during && tstzrange($3, $4)
        ), gone as (
          delete from booking_slot where clinic_id = $1 and id in (select id from back where cardinality(pieces) = 0)
        ), shrunk as (
          update booking_slot s set during = b.pieces[1], version = s.version + 1, updated_at = now()
            from back b
           where s.clinic_id = $1 and s.id = b.id and cardinality(b.pieces) > 0
        )
        insert into booking_slot (clinic_id, id, doctor_id, date, during, source, time_slot_id, removed_at)
        select clinic_id, mint_id(clinic_id), doctor_id, date, piece, source, time_slot_id, removed_at from back, unnest(pieces[2:]) as piece
        """,
        clinic_of(doctor_id),
        doctor_id,
        start,
        end,
        day,
    )


async def remove(tx: Statements, booking_slot_id: UUID, *, now: datetime) -> None:
    """Raises `ForeignKeyViolationError` (`within_hours`) when an appointment stands on the slot."""
    await tx.execute(
        """
        with removed as (
          update booking_slot set removed_at = $3, version = version + 1, updated_at = now() where clinic_id = $1 and id = $2 and removed_at is null
          returning clinic_id, id, version, doctor_id, during
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'slot.withdrawn', id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during))
          from removed
        """,
        clinic_of(booking_slot_id),
        booking_slot_id,
        now,
    )


async def active_clinics(db: Statements) -> list[int]:
    """All of them: what is done every night crosses clinics."""
    return [row.id for row in await db.fetch("select id from clinic where active order by id")]
