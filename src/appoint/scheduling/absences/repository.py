"""Everything the absence table is asked, and what an absence does to published hours."""

from datetime import date, datetime
from uuid import UUID

from ...database.pool import Row, Statements, to
from ...kit.ids import clinic_of, new_id
from .model import Absence, AbsenceContent


async def find(db: Statements, absence_id: UUID) -> Absence | None:
    row = await db.fetchrow(
        "select *, lower(during) as start_time, upper(during) as end_time from absence where clinic_id = $1 and id = $2",
        clinic_of(absence_id),
        absence_id,
    )
    return to(Absence, row) if row else None


async def of_clinic(
    db: Statements, clinic_id: int, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Absence]:
    """The active ones, earliest first; one more than `limit` when the list goes on."""
    start, absence_id = after or (None, None)
    rows = await db.fetch(
        """
        select *, lower(during) as start_time, upper(during) as end_time
          from absence
         where clinic_id = $1 and active and ($2::timestamptz is null or (lower(during), id) > ($2, $3::uuid))
         order by lower(during), id
         limit $4 + 1
        """,
        clinic_id,
        start,
        absence_id,
        limit,
    )
    return [to(Absence, row) for row in rows]


async def add(tx: Statements, clinic_id: int, content: AbsenceContent) -> UUID:
    return await tx.fetchval(
        """
        with made as (
          insert into absence (clinic_id, id, doctor_id, during, reason) values ($1, $2, $3, tstzrange($4, $5), $6)
          returning clinic_id, id, version, doctor_id
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'absence.added', id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', $4, 'endTime', $5) from made
        )
        select id from made
        """,
        clinic_id,
        new_id(clinic_id),
        content.doctor_id,
        content.start_time,
        content.end_time,
        content.reason,
    )


async def remove(tx: Statements, absence_id: UUID, *, now: datetime) -> None:
    await tx.execute(
        """
        with removed as (
          update absence set active = false, removed_at = $3, version = version + 1, updated_at = now() where clinic_id = $1 and id = $2
          returning clinic_id, id, version, doctor_id, during
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'absence.removed', id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during))
          from removed
        """,
        clinic_of(absence_id),
        absence_id,
        now,
    )


async def withdraw(tx: Statements, clinic_id: int, *, doctor_id: UUID | None, start: datetime, end: datetime) -> Row:
    """Withdraw the published time in the range, of one doctor or of all. Live appointments there keep exactly their own
    range, and need rebooking unless they are over. Returns how many `slots` lost time, and how many appointments are
    newly `stranded`.

    It is one statement, because a row on which an appointment stands can only be replaced before the foreign key
    `within_hours` looks.
    """
    row = await tx.fetchrow(
        """
        with standing as materialized (
          select a.id, a.doctor_id, a.active_during as during, a.status, a.needs_rebooking, (lower(a.during) at time zone c.time_zone)::date as date
            from clinic c
            join appointment a on a.clinic_id = c.id and ($2::uuid is null or a.doctor_id = $2)
                              and a.active_claim && tstzrange($3, $4) and a.active_during && tstzrange($3, $4)
           where c.id = $1
        ), cut as materialized (  -- an appointment may reach out of the range, and into slots beside it
          select s.id, s.doctor_id, s.date, s.source, s.time_slot_id,
                 array(select unnest(tstzmultirange(s.active_during) - tstzmultirange(tstzrange($3, $4)) - coalesce(k.during, '{}'))) as pieces
            from booking_slot s
            left join (select doctor_id, range_agg(during) as during from standing group by doctor_id) k using (doctor_id)
           where s.clinic_id = $1 and ($2::uuid is null or s.doctor_id = $2) and not s.remnant
             and s.active_during && tstzrange($3::timestamptz - interval '25 hours', $4::timestamptz + interval '25 hours')
             and (s.active_during && tstzrange($3, $4) or s.active_during && k.during)
        ), gone as (
          delete from booking_slot where clinic_id = $1 and id in (select id from cut where cardinality(pieces) = 0)
          returning 1
        ), shrunk as (
          update booking_slot s set during = c.pieces[1], version = s.version + 1, updated_at = now()
            from cut c
           where s.clinic_id = $1 and s.id = c.id and cardinality(c.pieces) > 0
          returning 1
        ), room as (  -- not before that time is free
          select (select count(*) from gone) + (select count(*) from shrunk) as made
        ), split as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, source, time_slot_id)
          select $1, mint_id($1), doctor_id, date, piece, source, time_slot_id from cut, unnest(pieces[2:]) as piece, room
        ), left_over as (  -- some of it may be left from before
          insert into booking_slot (clinic_id, id, doctor_id, date, during, remnant)
          select $1, mint_id($1), a.doctor_id, a.date, piece, true
            from standing a,
                 unnest(tstzmultirange(a.during) - coalesce((select range_agg(s.active_during) from booking_slot s
                                                              where s.clinic_id = $1 and s.doctor_id = a.doctor_id and s.remnant and s.active_during && a.during),
                                                            '{}')) as piece, room
        ), flagged as (
          update appointment a set needs_rebooking = true, version = a.version + 1, updated_at = now()
            from standing k
           where a.clinic_id = $1 and a.id = k.id and not k.needs_rebooking and k.status <> 'fulfilled'
          returning a.clinic_id, a.id, a.version, a.doctor_id
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'appointment.stranded', id::text, version, jsonb_build_object('doctorId', doctor_id) from flagged
        )
        select (select count(*) from cut) as slots, (select count(*) from flagged) as stranded
        """,
        clinic_id,
        doctor_id,
        start,
        end,
    )
    assert row
    return row


async def listed(
    db: Statements, clinic_id: int, *, past: bool, before: datetime | None, now: datetime, limit: int
) -> list[Absence]:
    """The active ones for people to look at: those that are over, the latest first (that begin before another one), or
    all others, earliest first."""
    rows = await db.fetch(
        """
        select *, lower(during) as start_time, upper(during) as end_time
          from absence
         where clinic_id = $1 and active and (upper(during) <= $3) = $2 and ($4::timestamptz is null or lower(during) < $4)
         order by case when not $2 then lower(during) end, lower(during) desc, id
         limit $5
        """,
        clinic_id,
        past,
        now,
        before,
        limit,
    )
    return [to(Absence, row) for row in rows]


async def instants(
    db: Statements, clinic_id: int, *, first: date, first_minute: int, last: date, last_minute: int
) -> Row | None:
    """Two wall times of the clinic as the instants `start` and `end`; None where there is no such clinic."""
    return await db.fetchrow(
        'select local_instant($2, $3, time_zone) as start, local_instant($4, $5, time_zone) as "end" from clinic where id = $1',
        clinic_id,
        first,
        first_minute,
        last,
        last_minute,
    )


async def in_the_way(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, start: datetime, end: datetime, limit: int
) -> list[Row]:
    """The live appointments in a range, of one doctor or of all, that have not taken place yet, earliest first: as
    `shown_appointment`, with who it is for."""
    return await db.fetch(  # customers one by one: a plain join would go through all the clinic's patients
        """
        select s.*, c.name as customer_name, c.phone as customer_phone
          from appointment a
          join shown_appointment s on s.clinic_id = $1 and s.id = a.id
          left join lateral (select name, phone from clinic_customer where id = a.customer_id offset 0) c on true
         where a.clinic_id = $1 and ($2::uuid is null or a.doctor_id = $2)
           and a.active_claim && tstzrange($3, $4) and a.active_during && tstzrange($3, $4) and a.status <> 'fulfilled'
         order by s.start_time, s.id
         limit $5
        """,
        clinic_id,
        doctor_id,
        start,
        end,
        limit,
    )


async def to_rebook(db: Statements, clinic_id: int, *, doctor_id: UUID | None, now: datetime, limit: int) -> list[Row]:
    """The live appointments to come that need rebooking, of one doctor or of all, in the same way."""
    return await db.fetch(
        """
        select s.*, c.name as customer_name, c.phone as customer_phone
          from appointment a
          join shown_appointment s on s.clinic_id = $1 and s.id = a.id
          left join lateral (select name, phone from clinic_customer where id = a.customer_id offset 0) c on true
         where a.clinic_id = $1 and ($2::uuid is null or a.doctor_id = $2)
           and a.needs_rebooking and a.active_during is not null and a.status <> 'fulfilled' and lower(a.during) > $3
         order by s.start_time, s.id
         limit $4
        """,
        clinic_id,
        doctor_id,
        now,
        limit,
    )
