"""Published hours and claims, as ranges."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType
from ...database.pool import Row, Statements
from ...kit import ids
from .model import DoctorTime, Place, PublishedSlot, SearchFilter


async def doctors_time(
    db: Statements,
    catalogue: Catalogue,
    *,
    doctors: Sequence[CatalogueDoctor],
    type: CatalogueType | None,
    first: date,
    last: date,
    before: timedelta,
    after: timedelta,
) -> list[DoctorTime]:
    """Return the doctors' published slots on local dates, both inclusive, and their claims then and within `before` and
    `after`, in the order of the doctors' ids.

    A doctor is missing when the catalogue's version of them, of the clinic or of the type is no longer the database's,
    or one of these is inactive. Reads two ranges of indexes a doctor, however many appointments there are.
    """
    rows = await db.fetch(
        """
        with asked as materialized (
          select local_instant($7, 0, $6) as since, local_instant($8::date + 1, 0, $6) as until
           where exists (select from clinic where id = $1 and version = $2 and active)
             and ($3::uuid is null or exists (select from appointment_type where clinic_id = $1 and id = $3 and version = $4 and active))
        )
        select d.id as doctor_id, published.*, claimed.*
          from asked
         cross join unnest($5::uuid[], $11::int[]) as known (id, version)
          join doctor d on d.clinic_id = $1 and d.id = known.id and d.version = known.version and d.active
         cross join lateral (select array_agg(s.id order by s.active_during) as slot_ids,
                                    array_agg(lower(s.active_during) order by s.active_during) as slot_starts,
                                    array_agg(upper(s.active_during) order by s.active_during) as slot_ends
                               from booking_slot s
                              where s.clinic_id = $1 and s.doctor_id = d.id and s.active_during && tstzrange(since, until)) as published
         cross join lateral (select array_agg(lower(claim)) as claim_starts, array_agg(upper(claim)) as claim_ends
                               from (select unnest(range_agg(a.active_claim)) as claim
                                       from appointment a
                                      where a.clinic_id = $1 and a.doctor_id = d.id and a.active_claim && tstzrange(since - $9::interval, until + $10::interval)
                                    ) as claims) as claimed
         order by d.id
        """,
        catalogue.clinic_id,
        catalogue.version,
        type and type.id,
        type and type.version,
        [doctor.id for doctor in doctors],
        catalogue.time_zone,
        first,
        last,
        before,
        after,
        [doctor.version for doctor in doctors],
    )
    return [doctor_time(row) for row in rows]


async def next_slots(
    db: Statements,
    asked: SearchFilter,
    *,
    first: date,
    last: date,
    now: datetime,
    seen: Place,
    place: Place,
    until: datetime,
    most: int,
) -> list[Row]:
    """Published slots of active doctors across clinics, on each clinic's own local dates, in the order of (`since`,
    clinic, doctor) after `place` and before `until`.

    A slot's `since` is the earliest that a time in it could start at which the caller has not `seen` and the clinic's
    notice allows. With a slot come its clinic's terms, the minutes asked for with the type's buffers, and as a
    `doctor_time` those that follow on it and what is claimed. `most` are returned at most, so that a page of a search
    costs what it shows and not what there is.
    """
    type_id = asked.appointment_type_id
    return await db.fetch(
        """
        with asked as materialized (  -- empty when the appointment type does not exist
          select minutes, make_interval(mins => buffer_before_minutes) as before, make_interval(mins => buffer_after_minutes) as after
            from appointment_type
           where clinic_id = $1 and id = $3 and active
          union all
          select $4::smallint, interval '0', interval '0' where $3 is null
        ), slot as materialized (  -- by the index of starts alone, before anything is joined
          select clinic_id, doctor_id, date, active_during
            from booking_slot
           where removed_at is null
             and lower(active_during) > $11::timestamptz - interval '25 hours'  -- no slot is longer than a day
             and lower(active_during) < $14
             and clinic_id between coalesce($1, 1) and coalesce($1, 2147483647)
             and upper(active_during) > $11
             and date between $5 and $6
        ), next as materialized (
          select c.id as clinic_id, c.name as clinic_name, c.time_zone, c.slot_step_minutes, c.min_notice_minutes, c.horizon_days,
                 d.id as doctor_id, d.name as doctor_name, d.specialty, asked.*, starting.since, s.active_during as during
            from asked
           cross join slot s
            join clinic c on c.id = s.clinic_id and c.active
            join doctor d on d.clinic_id = s.clinic_id and d.id = s.doctor_id and d.active
           cross join lateral (  -- doctors sorted before the cursor were already returned for that start
                    select greatest(lower(s.active_during), $7::timestamptz + make_interval(mins => c.min_notice_minutes),
                                    $8::timestamptz + case when (s.clinic_id, s.doctor_id) <= ($9, $10::uuid) then interval '1 microsecond' else '0' end) as since
                 ) as starting
           where since < upper(s.active_during)
             and since < $14
             and (since, c.id, d.id) > ($11, $12::integer, $13::uuid)
             and s.date <= ($7 at time zone c.time_zone)::date + c.horizon_days  -- nothing later can be booked, so it need not be read
             and ($2::text is null or lower(d.specialty) = lower($2))
             and ($3 is null
                  or not exists (select from doctor_appointment_type o where o.clinic_id = d.clinic_id and o.doctor_id = d.id)
                  or exists (select from doctor_appointment_type o where o.clinic_id = d.clinic_id and o.doctor_id = d.id and o.appointment_type_id = $3))
           order by since, c.id, d.id
           limit $15
        )
        select n.*, published.*, claimed.*
          from next n
         cross join lateral (select array_agg(s.id order by s.active_during) as slot_ids,
                                    array_agg(lower(s.active_during) order by s.active_during) as slot_starts,
                                    array_agg(upper(s.active_during) order by s.active_during) as slot_ends
                               from booking_slot s
                              where s.clinic_id = n.clinic_id and s.doctor_id = n.doctor_id
                                and s.active_during && tstzrange(lower(n.during), upper(n.during) + make_interval(mins => coalesce(n.minutes, 0)))) as published
         cross join lateral (select array_agg(lower(claim)) as claim_starts, array_agg(upper(claim)) as claim_ends
                               from (select unnest(range_agg(a.active_claim)) as claim
                                       from appointment a
                                      where a.clinic_id = n.clinic_id and a.doctor_id = n.doctor_id
                                        and a.active_claim && tstzrange(n.since - n.before, upper(n.during) + make_interval(mins => coalesce(n.minutes, 0)) + n.after)
                                    ) as claims) as claimed
         order by n.since, n.clinic_id, n.doctor_id
        """,
        ids.clinic_of(type_id) if type_id else asked.clinic_id,
        asked.specialty,
        type_id,
        asked.minutes,
        first,
        last,
        now,
        *seen,
        *place,
        until,
        most,
    )


async def clinics(db: Statements, *, q: str | None, specialty: str | None, after: int | None, limit: int) -> list[Row]:
    """Return active clinics with active doctors, by name, with their specialties, after the clinic with that number;
    `limit + 1` of them when there are more."""
    return await db.fetch(
        """
        select c.id, c.name, coalesce(c.slug, c.id::text) as slug, c.address, c.time_zone,
               array(select distinct d.specialty from doctor d where d.clinic_id = c.id and d.active and d.specialty is not null order by 1) as specialties
          from clinic c
         where c.active
           and (select true from doctor d where d.clinic_id = c.id and d.active limit 1)  -- clinic by clinic; `exists` would go through all doctors first
           and ($1::text is null or position(lower($1) in lower(c.name)) > 0)
           and ($2::text is null or lower($2) in (select lower(d.specialty) from doctor d where d.clinic_id = c.id and d.active))
           and ($3::integer is null or (lower(c.name), c.id) > (select lower(b.name), b.id from clinic b where b.id = $3))
         order by lower(c.name), c.id
         limit $4 + 1
        """,
        q,
        specialty,
        after,
        limit,
    )


async def specialties(db: Statements, *, most: int) -> list[str]:
    """Return the specialties of all active doctors, by name."""
    rows = await db.fetch(
        "select distinct d.specialty from doctor d where d.active and d.specialty is not null order by 1 limit $1", most
    )
    return [row["specialty"] for row in rows]


async def soonest_times(
    db: Statements, *, clinic_ids: Sequence[int], specialty: str | None, on: date | None, now: datetime, days: int
) -> list[Row]:
    """For each active doctor of the clinics, with the specialty if one is named: their clinic's terms, the `minutes`
    and buffers of the shortest type that they offer, and their `doctor_time` on that local date, or on so many `days`
    from now. There are no `minutes` where the clinic is booked by whole slots."""
    return await db.fetch(
        """
        select c.id as clinic_id, c.time_zone, c.slot_step_minutes, c.min_notice_minutes, c.horizon_days, shortest.*, d.id as doctor_id, published.*, claimed.*
          from unnest($1::integer[]) as chosen (id)
          join clinic c on c.id = chosen.id and c.active
         cross join lateral (select coalesce($3::date, ($4::timestamptz at time zone c.time_zone)::date) as first) as day
         cross join lateral (select local_instant(day.first, 0, c.time_zone) as since,
                                    local_instant(day.first + case when $3 is null then $5::integer else 1 end, 0, c.time_zone) as until) as asked
          join doctor d on d.clinic_id = c.id and d.active and ($2::text is null or lower(d.specialty) = lower($2))
         cross join lateral (select t.minutes, make_interval(mins => t.buffer_before_minutes) as before, make_interval(mins => t.buffer_after_minutes) as after
                               from appointment_type t
                              where t.clinic_id = c.id and t.active
                                and (not exists (select from doctor_appointment_type o where o.clinic_id = c.id and o.doctor_id = d.id)
                                     or exists (select from doctor_appointment_type o where o.clinic_id = c.id and o.doctor_id = d.id and o.appointment_type_id = t.id))
                             union all
                             select null, interval '0', interval '0'
                              where not exists (select from appointment_type t
                                                  join doctor e on e.clinic_id = c.id and e.active
                                                 where t.clinic_id = c.id and t.active
                                                   and (not exists (select from doctor_appointment_type o where o.clinic_id = c.id and o.doctor_id = e.id)
                                                        or exists (select from doctor_appointment_type o where o.clinic_id = c.id and o.doctor_id = e.id and o.appointment_type_id = t.id)))
                              order by minutes, before, after
                              limit 1) as shortest
         cross join lateral (select array_agg(s.id order by s.active_during) as slot_ids,
                                    array_agg(lower(s.active_during) order by s.active_during) as slot_starts,
                                    array_agg(upper(s.active_during) order by s.active_during) as slot_ends
                               from booking_slot s
                              where s.clinic_id = c.id and s.doctor_id = d.id and s.active_during && tstzrange(since, until)) as published
         cross join lateral (select array_agg(lower(claim)) as claim_starts, array_agg(upper(claim)) as claim_ends
                               from (select unnest(range_agg(a.active_claim)) as claim
                                       from appointment a
                                      where a.clinic_id = c.id and a.doctor_id = d.id and a.active_claim && tstzrange(since - shortest.before, until + shortest.after)
                                    ) as claims) as claimed
        """,
        clinic_ids,
        specialty,
        on,
        now,
        days,
    )


def doctor_time(row: Row) -> DoctorTime:
    slots = list(map(PublishedSlot, row["slot_ids"] or (), row["slot_starts"] or (), row["slot_ends"] or ()))
    return DoctorTime(
        row["doctor_id"], slots, list(zip(row["claim_starts"] or (), row["claim_ends"] or (), strict=True))
    )
