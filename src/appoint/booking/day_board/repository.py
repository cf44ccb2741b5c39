"""SQL for the day board."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from ...customers.model import SearchTerms
from ...database.pool import Row, Statements, to
from ...kit.key_ring import EncryptedField
from ..repository import decrypted
from .model import BoardChange, DayAppointment, DayStretch, TypeChoice


async def list_appointments(
    db: Statements, *, clinic_id: int, first: date, last: date, doctor_ids: Sequence[UUID] | None, limit: int
) -> list[DayAppointment]:
    """Return the appointments that start on these local dates, whatever their status, earliest first."""
    rows = await db.fetch(
        """
        select s.id, s.version, s.doctor_id, s.customer_id, s.appointment_type_id as type_id, t.name as type,
               s.start_time, s.end_time, lower(a.claimed) as claimed_from, upper(a.claimed) as claimed_until, s.status,
               s.notes, s.staff_notes, s.cancel_reason, s.needs_rebooking, s.arrived_at, s.in_room_at, a.undo_status,
               s.step_id, a.stepped_at,
               -- one by one: a join would scan all the clinic's patients
               (select c.name from clinic_customer c where c.id = s.customer_id) as patient,
               a.active_during is not null
               and not exists (select
                                 from appointment o
                                where o.clinic_id = $1 and o.customer_id = s.customer_id
                                  and lower(o.during) < s.start_time and o.active_during is not null)
               and (a.person_id = '00000000-0000-0000-0000-000000000000'
                    or not exists (select
                                     from appointment o
                                    where o.clinic_id = $1 and o.person_id = a.person_id
                                      and o.person_id <> '00000000-0000-0000-0000-000000000000'
                                      and lower(o.during) < s.start_time and o.active_during is not null))
               and not exists (select
                                 from patient p
                                where p.clinic_id = $1 and p.customer_id in (s.customer_id, a.person_id)
                                  and p.record_number is not null) as is_first
          from shown_appointment s
          join appointment a on a.clinic_id = $1 and a.id = s.id
          left join appointment_type t on t.clinic_id = $1 and t.id = s.appointment_type_id
         where s.clinic_id = $1
           and s.start_time >= (select local_instant($2, 0, time_zone) from clinic where id = $1)
           and s.start_time < (select local_instant($3::date + 1, 0, time_zone) from clinic where id = $1)
           and ($4::uuid[] is null or s.doctor_id = any($4))
         order by s.start_time, s.doctor_id, s.id
         limit $5
        """,
        clinic_id,
        first,
        last,
        doctor_ids,
        limit,
    )
    return [_appointment(db, row) for row in rows]


def _appointment(db: Statements, row: Row) -> DayAppointment:
    return to(DayAppointment, row, **decrypted(row, db.keys, "notes", "staff_notes", "cancel_reason"))


async def list_times(
    db: Statements, *, clinic_id: int, first: date, last: date, doctor_ids: Sequence[UUID] | None
) -> list[DayStretch]:
    """Return published hours (with adjacent ones joined) and absences on these local dates."""
    rows = await db.fetch(
        """
        with days as (
          select tstzrange(local_instant($2, 0, time_zone), local_instant($3::date + 1, 0, time_zone)) as during
            from clinic
           where id = $1
        ), hours as (
          select s.doctor_id, unnest(range_agg(s.active_during)) as during
            from booking_slot s
           where s.clinic_id = $1 and s.active_during && (select during from days)
             and ($4::uuid[] is null or s.doctor_id = any($4))
           group by s.doctor_id
        )
        select doctor_id, null::uuid as absence_id, false as absence, null as reason, lower(during) as start_time,
               upper(during) as end_time
          from hours
        union all
        select a.doctor_id, a.id, true, a.reason, lower(a.active_during * d.during), upper(a.active_during * d.during)
          from absence a, days d
         where a.clinic_id = $1 and a.active_during && d.during
           and (a.doctor_id is null or $4::uuid[] is null or a.doctor_id = any($4))
         order by start_time, doctor_id
        """,
        clinic_id,
        first,
        last,
        doctor_ids,
    )
    return [
        to(DayStretch, row, reason=db.keys.decrypt(row.reason, EncryptedField.ABSENCE_REASON, row.absence_id))
        for row in rows
    ]


async def find_next_open_day(
    db: Statements, *, clinic_id: int, after: date, last: date, doctor_ids: Sequence[UUID] | None
) -> date | None:
    """Return the first local date after `after`, and no later than `last`, on which one of the doctors has hours."""
    return await db.fetchval(
        """
        select min(s.date)
          from booking_slot s
         where s.clinic_id = $1 and s.date > $2
           and s.active_during && (select tstzrange(local_instant($2::date + 1, 0, time_zone),
                                                    local_instant($3::date + 1, 0, time_zone))
                                     from clinic
                                    where id = $1)
           and ($4::uuid[] is null or s.doctor_id = any($4))
        """,
        clinic_id,
        after,
        last,
        doctor_ids,
    )


async def list_types(db: Statements, *, clinic_id: int) -> list[TypeChoice]:
    """Return the active appointment types, in the clinic's order."""
    rows = await db.fetch(
        "select id, name, minutes from appointment_type where clinic_id = $1 and active order by position, name",
        clinic_id,
    )
    return [TypeChoice(row.id, row.name, row.minutes) for row in rows]


async def find_by_patient(
    db: Statements,
    *,
    clinic_id: int,
    terms: SearchTerms,
    doctor_ids: Sequence[UUID] | None,
    now: datetime,
    limit: int,
) -> list[DayAppointment]:
    """Return matching patients' appointments under all of their joined records: first upcoming ones, soonest first,
    then past ones, latest first. Patients with the search's words at the start of a name come before those with them
    inside one."""
    rows = await db.fetch(
        """
        with named as materialized (  -- before looking at their appointments, which takes longer
          select p.customer_id, p.main_id,
                 not ' ' || replace(c.words, '-', ' ')
                     like all (array(select folded(start) from unnest($8::text[]) as start)) as is_inside
            from patient p
            join clinic_customer c on c.id = p.customer_id,
                 lateral (select concat_ws(' ', c.words, folded(p.record_number),
                                           translate(p.record_number, ' ()./+-', '')) as words) as searched
           where p.clinic_id = $1
             and ($2::text[] = '{}' or searched.words like all (array(select folded(word) from unnest($2) as word)))
             and ($4 = '%' or c.birth_date = any($3::date[]) or searched.words like folded($4))
        ), found as materialized (
          select n.*
            from named n
           where (select true from listed_patient l where l.clinic_id = $1 and l.customer_id = n.customer_id)
        ), matches as (
          select id as customer_id, bool_and(is_inside) as is_inside
            from (select customer_id as id, is_inside from found
                   union all
                  select o.customer_id, f.is_inside
                    from found f join patient o on o.clinic_id = $1 and o.main_id = f.main_id) as each
           group by id
        )
        select s.id, s.version, s.doctor_id, s.customer_id, s.appointment_type_id as type_id,
               t.name as type, s.start_time, s.end_time, lower(a.claimed) as claimed_from,
               upper(a.claimed) as claimed_until, s.status, s.notes, s.staff_notes, s.cancel_reason,
               s.needs_rebooking, s.arrived_at, s.in_room_at, a.undo_status, s.step_id, a.stepped_at,
               -- one by one: a join would scan all the clinic's patients
               (select c.name from clinic_customer c where c.id = s.customer_id) as patient
          from matches m
          join shown_appointment s on s.clinic_id = $1 and s.customer_id = m.customer_id
                                  and ($5::uuid[] is null or s.doctor_id = any($5))
          join appointment a on a.clinic_id = $1 and a.id = s.id
          left join appointment_type t on t.clinic_id = $1 and t.id = s.appointment_type_id
         order by m.is_inside, s.start_time < $6, abs(extract(epoch from s.start_time - $6)), s.id
         limit $7
        """,
        clinic_id,
        *terms,
        doctor_ids,
        now,
        limit,
        terms.starts,
    )
    return [_appointment(db, row) for row in rows]


async def list_changes(db: Statements, *, clinic_ids: Sequence[int], back: timedelta) -> list[BoardChange]:
    """Return the clinics' recent events, whether relayed or not.

    Ids contain their creation time, so the primary keys are enough to find recent events. An event that commits late is
    still found if it was created within `back`.
    """
    rows = await db.fetch(
        """
        select c.id as clinic_id, e.id, e.type
          from unnest($1::integer[]) as c (id),
               lateral (select id, type
                          from event
                         where clinic_id = c.id and id > (select uuidv7(-$2::interval))
                         union all
                        select id, type
                          from event_log
                         where clinic_id = c.id and id > (select uuidv7(-$2::interval))) as e
        """,
        clinic_ids,
        back,
    )
    return [BoardChange(row.clinic_id, row.id, row.type) for row in rows]
