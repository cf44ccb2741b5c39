"""Everything the sums of doctors' days are asked, and how they are kept. What each number means stands with the
function `summed` of the database."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from ...database.pool import Row, Statements
from .model import Touched


async def touch(tx: Statements, touched: Sequence[Touched]) -> None:
    """Write down of which days something has changed. Dates are those of each clinic's zone."""
    await tx.execute(
        """
        insert into unsummed (clinic_id, doctor_id, days)
        select clinic_id, doctor_id, daterange(coalesce(first, (starts at time zone time_zone)::date), coalesce(last, (ends at time zone time_zone)::date), '[]')
          from unnest($1::integer[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::date[], $6::date[]) as t (clinic_id, doctor_id, starts, ends, first, last)
          join clinic on clinic.id = t.clinic_id
        """,
        [each.clinic_id for each in touched],
        [each.doctor_id for each in touched],
        [each.start for each in touched],
        [each.end for each in touched],
        [each.first for each in touched],
        [each.last for each in touched],
    )


async def touch_all(tx: Statements, clinic_id: int) -> None:
    """All days of the clinic."""
    await tx.execute("insert into unsummed (clinic_id, days) select id, '(,)' from clinic where id = $1", clinic_id)


async def take_turn(tx: Statements) -> None:
    """Nobody else sums until the transaction ends."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('unsummed'))")


async def sum_up(tx: Statements, *, clinic_id: int | None, most: int) -> int:
    """Sum days anew that something has changed of, of all clinics or one; returns how many notes of that are done with.

    Whoever sees the note sees the change. Of two who sum a day at the same time the one who read first could write
    last: they take turns.
    """
    return await tx.fetchval(
        """
        with taken as (
          delete from unsummed
           where (clinic_id, id) in (select clinic_id, id from unsummed where $1::integer is null or clinic_id = $1 order by id limit $2)
          returning clinic_id, doctor_id, days
        ), stretch as materialized (
          select clinic_id, doctor_id, lower(days) as first, upper(days) - 1 as last
            from (select d.clinic_id, d.id as doctor_id, unnest(range_agg(t.days)) as days
                    from taken t
                    join doctor d on d.clinic_id = t.clinic_id and d.id = coalesce(t.doctor_id, d.id)
                   group by d.clinic_id, d.id) merged
        ), anew as materialized (
          select t.clinic_id, t.doctor_id, s.* from stretch t, summed(t.clinic_id, t.doctor_id, t.first, t.last) s
        ), gone as (
          delete from doctor_day d using stretch t
           where d.clinic_id = t.clinic_id and d.doctor_id = t.doctor_id
             and d.date between coalesce(t.first, '-infinity') and coalesce(t.last, 'infinity')
             and not exists (select from anew a where a.clinic_id = d.clinic_id and a.doctor_id = d.doctor_id and a.date = d.date)
        ), kept as (
          insert into doctor_day as d (clinic_id, date, doctor_id, opens, published_minutes, booked_minutes, booked, cancelled, missed, kept, lead_days, lead)
          select clinic_id, date, doctor_id, opens, published_minutes, booked_minutes, booked, cancelled, missed, kept, lead_days, lead
            from anew
           order by clinic_id, date, doctor_id
          on conflict (clinic_id, date, doctor_id) do update
             set opens = excluded.opens, published_minutes = excluded.published_minutes, booked_minutes = excluded.booked_minutes,
                 booked = excluded.booked, cancelled = excluded.cancelled, missed = excluded.missed, kept = excluded.kept,
                 lead_days = excluded.lead_days, lead = excluded.lead
           where d is distinct from excluded
        )
        select count(*) from taken
        """,
        clinic_id,
        most,
    )


async def doctors(db: Statements, clinic_id: int) -> list[Row]:
    """Those who work there, and those who have worked there: `id`, `name`, `active`."""
    return await db.fetch(
        "select id, name, active from doctor where clinic_id = $1 order by active desc, name, id", clinic_id
    )


async def totals(
    db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, since: date, last: date
) -> list[Row]:
    """The sums of the dates from `first` until `since`, and from then to `last`: at most two rows, told apart by `now`."""
    return await db.fetch(
        """
        select date >= $4 as now, sum(booked) as booked, sum(cancelled) as cancelled, sum(missed) as missed, sum(kept) as kept, sum(lead_days) as lead_days,
               coalesce(sum(m.published), 0)::bigint as published_minutes, coalesce(sum(m.booked_time), 0)::bigint as booked_minutes
          from doctor_day d,
               lateral (select sum(published) as published, sum(taken) as booked_time from unnest(published_minutes, booked_minutes) as hour (published, taken)) m
         where clinic_id = $1 and date between $3 and $5 and ($2::uuid is null or doctor_id = $2)
         group by 1
        """,
        clinic_id,
        doctor_id,
        first,
        since,
        last,
    )


async def over_time(
    db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, last: date, unit: str
) -> list[Row]:
    """Sums by `unit` (day, week, month), earliest first; those with nothing at all are missing. `lead` is a list as in
    `doctor_day`."""
    return await db.fetch(
        """
        select date_trunc($5, date::timestamp)::date as since, sum(booked) as booked, sum(cancelled) as cancelled, sum(missed) as missed, sum(kept) as kept,
               sum(lead_days) as lead_days,
               array[sum(lead[1]), sum(lead[2]), sum(lead[3]), sum(lead[4]), sum(lead[5]), sum(lead[6]), sum(lead[7]), sum(lead[8])] as lead
          from doctor_day
         where clinic_id = $1 and date between $3 and $4 and ($2::uuid is null or doctor_id = $2)
         group by 1
         order by 1
        """,
        clinic_id,
        doctor_id,
        first,
        last,
        unit,
    )


async def by_hour(db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, last: date) -> list[Row]:
    """Minutes of each hour of the day: of each doctor, and of each weekday (from 1, Monday). One of `doctor_id` and
    `weekday` is None."""
    return await db.fetch(
        """
        select doctor_id, extract(isodow from date)::integer as weekday, (opens + n - 1)::integer as hour, sum(published) as published_minutes, sum(taken) as booked_minutes
          from doctor_day, unnest(published_minutes, booked_minutes) with ordinality as h (published, taken, n)
         where clinic_id = $1 and date between $3 and $4 and ($2::uuid is null or doctor_id = $2)
         group by grouping sets ((1, 3), (2, 3))
        having sum(published) + sum(taken) > 0
        """,
        clinic_id,
        doctor_id,
        first,
        last,
    )
