"""What makes published hours agree with weekly schedules, and the locks that it takes."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from ...booking import repository as appointments
from ...booking.model import Appointment, Status
from ...database.pool import Row, Statements, to
from .model import Fitting, Span


async def stop_bookings(tx: Statements, clinic_id: int, *, doctor_id: UUID | None) -> bool:
    """Let those who are booking the doctor (or any of the clinic) finish, and nobody else begin, until the transaction
    ends. False when there is none."""
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
    """Keep the live appointments in the range as they are until the transaction ends. Returns those that are not over."""
    rows = await tx.fetch(
        """
        select id, status from appointment
         where clinic_id = $1 and ($2::uuid is null or doctor_id = $2) and active_claim && tstzrange($3, $4) and active_during && tstzrange($3, $4)
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
) -> Fitting:
    """What would make the hours on the dates agree with the weekly schedules, from now on; it changes nothing.

    Slots by hand, time removed by hand and slots in progress stay as they are. With `around` only those lines are
    looked at that have time in the range, and what is published as a part of them: they become whole again.
    """
    rows = await db.fetch(
        """
        with target as materialized (
          select t.doctor_id, t.date, t.time_slot_id, piece
            from scheduled($1, $2, $3, $4) t, unnest(t.pieces) as piece
           where upper(piece) > $7 and ($5::timestamptz is null or piece && tstzrange($5, $6))
        ), published as materialized (
          select s.id, s.doctor_id, s.date, s.active_during as during, s.remnant,
                 s.source = 'schedule' and (s.remnant or case when $5 is null then lower(s.active_during) >= $7 else t.piece is not null end) as open
            from clinic c
            join booking_slot s on s.clinic_id = c.id and ($2::uuid is null or s.doctor_id = $2)
                               and s.active_during && tstzrange(local_instant($3, 0, c.time_zone), local_instant($4::date + 1, 0, c.time_zone))
            left join target t on t.doctor_id = s.doctor_id and t.date = s.date and t.piece @> s.active_during
           where c.id = $1
        ), fixed as (
          select doctor_id, date, range_agg(during) as during from published where not open group by doctor_id, date
        ), standing as materialized (  -- live appointments on what is open to change, and whether the new hours cover them
          select distinct on (a.id) a.id, a.doctor_id, p.date, a.active_during as during, a.needs_rebooking, a.status,
                 a.active_during <@ (coalesce(h.during, '{}') + coalesce(f.during, '{}')) as covered
            from published p
            join appointment a on a.clinic_id = $1 and a.doctor_id = p.doctor_id and a.active_claim && p.during and a.active_during && p.during
            left join (select doctor_id, date, range_agg(piece) as during from target group by doctor_id, date) h
                   on h.doctor_id = p.doctor_id and h.date = p.date
            left join fixed f on f.doctor_id = p.doctor_id and f.date = p.date
           where p.open
        ), homeless as (
          select * from standing where not covered
        ), wanted as (
          select t.doctor_id, t.date, t.time_slot_id, span
            from target t
            left join fixed f using (doctor_id, date)
            left join (select doctor_id, date, range_agg(during) as during from homeless group by doctor_id, date) k using (doctor_id, date),
                 unnest(tstzmultirange(t.piece) - coalesce(f.during, '{}') - coalesce(k.during, '{}')) as span
        ), result as (
          select case when w.span is null then 'removed' when p.id is null then 'added' else 'kept' end as becomes,
                 p.id, doctor_id, coalesce(w.date, p.date) as date, w.time_slot_id, during
            from (select * from published where open and not remnant) p
            full join (select doctor_id, date, time_slot_id, span, span as during from wanted) w using (doctor_id, during)
          union all
          select case when p.id is null then 'left' else 'absorbed' end, p.id, doctor_id, coalesce(p.date, r.date), null, during
            from (select * from published where open and remnant) p
            full join (select h.doctor_id, h.date, h.id as appointment_id, span as during
                         from homeless h
                         left join fixed f using (doctor_id, date), unnest(tstzmultirange(h.during) - coalesce(f.during, '{}')) as span) r using (doctor_id, during)
           where p.id is null or r.appointment_id is null
          union all
          select 'stranded', id, doctor_id, date, null, during from homeless where not needs_rebooking and status <> 'fulfilled'
          union all
          select 'covered', id, doctor_id, date, null, during from standing where covered and needs_rebooking
        )
        select becomes, id, doctor_id, date, time_slot_id, lower(during) as start, upper(during) as "end" from result order by date, during, doctor_id
        """,
        clinic_id,
        doctor_id,
        first,
        last,
        *(around or (None, None)),
        now,
    )
    return Fitting.of((row.becomes, to(Span, row)) for row in rows)


async def apply(tx: Statements, clinic_id: int, fitting: Fitting) -> None:
    """Do what `fit` found, in one statement: the rows that an appointment stands on are replaced before anybody looks."""
    made = [*fitting.added, *fitting.left]
    await tx.execute(
        """
        with gone as (
          delete from booking_slot where clinic_id = $1 and id = any($2)
          returning 1
        ), made as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, time_slot_id, remnant)
          select $1, mint_id($1), doctor_id, date, tstzrange(starts, ends), time_slot_id, n > $8
            from unnest($3::uuid[], $4::date[], $5::timestamptz[], $6::timestamptz[], $7::uuid[])
                 with ordinality as piece (doctor_id, date, starts, ends, time_slot_id, n)
           where (select count(*) from gone) >= 0  -- not before they are gone
        ), flagged as (
          update appointment set needs_rebooking = id = any($9), version = version + 1, updated_at = now()
           where clinic_id = $1 and (id = any($9) or id = any($10))
          returning clinic_id, id, version, doctor_id, needs_rebooking
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, case when needs_rebooking then 'appointment.stranded' else 'appointment.covered' end, id::text, version,
               jsonb_build_object('doctorId', doctor_id)
          from flagged
        """,
        clinic_id,
        [span.id for span in (*fitting.removed, *fitting.absorbed)],
        [span.doctor_id for span in made],
        [span.date for span in made],
        [span.start for span in made],
        [span.end for span in made],
        [span.time_slot_id for span in made],
        len(fitting.added),
        [span.id for span in fitting.stranded],
        [span.id for span in fitting.covered],
    )


async def place(db: Statements, clinic_id: int, *, doctor_id: UUID | None, now: datetime) -> Row | None:
    """The clinic's `time_zone`, and the `last_published` date of it or the doctor, if any. None where there is no such
    clinic or doctor."""
    return await db.fetchrow(
        """
        select time_zone, (select max(date) from booking_slot s
                            where s.clinic_id = $1 and ($2::uuid is null or s.doctor_id = $2) and s.active_during && tstzrange($3, null)) as last_published
          from clinic
         where id = $1 and ($2 is null or exists (select from doctor where clinic_id = $1 and id = $2))
        """,
        clinic_id,
        doctor_id,
        now,
    )


async def shown_appointments(db: Statements, clinic_id: int, ids: Sequence[UUID]) -> list[Appointment]:
    """Earliest first."""
    rows = await db.fetch(
        "select * from shown_appointment where clinic_id = $1 and id = any($2) order by start_time, id", clinic_id, ids
    )
    return [appointments.appointment(row) for row in rows]


async def tell(tx: Statements, clinic_id: int, type: str, *, doctor_id: UUID | None, facts: dict[str, Any]) -> None:
    """An event of many slots at once: about the doctor, or the clinic."""
    await tx.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select c.id, $2, coalesce(d.id::text, c.id::text), coalesce(d.version, c.version), $4::text::jsonb
          from clinic c left join doctor d on d.clinic_id = c.id and d.id = $3
         where c.id = $1
        """,
        clinic_id,
        type,
        doctor_id,
        msgspec.json.encode(facts).decode(),
    )
