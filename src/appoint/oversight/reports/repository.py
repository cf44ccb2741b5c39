"""SQL for doctors' daily sums: keep them up to date, and read them. The database function `summed` defines what each
number means."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from ...database.pool import Statements, to
from ...database.sql import load
from .model import AffectedDays, HourSums, ReportedDoctor, Step, Sums

SUM_NOTED_DAYS: Final = load(__name__, "sum_noted_days")


async def note_days(tx: Statements, days: Sequence[AffectedDays]) -> None:
    """Note the days whose sums are out of date. Converts times to dates in the clinic's time zone."""
    await tx.execute(
        """
        insert into unsummed (clinic_id, doctor_id, days)
        select clinic_id, doctor_id,
               daterange(coalesce(first, (starts at time zone time_zone)::date),
                         coalesce(last, (ends at time zone time_zone)::date), '[]')
          from unnest($1::integer[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::date[], $6::date[])
               as t (clinic_id, doctor_id, starts, ends, first, last)
          join clinic on clinic.id = t.clinic_id
        """,
        [each.clinic_id for each in days],
        [each.doctor_id for each in days],
        [each.start for each in days],
        [each.end for each in days],
        [each.first for each in days],
        [each.last for each in days],
    )


async def note_all_days(tx: Statements, clinic_id: int) -> None:
    await tx.execute("insert into unsummed (clinic_id, days) select id, '(,)' from clinic where id = $1", clinic_id)


async def note_coming_days(tx: Statements, *, first: date, last: date) -> None:
    await tx.execute(
        "insert into unsummed (clinic_id, days) select id, daterange($1, $2, '[]') from clinic where active",
        first,
        last,
    )


async def lock_sums(tx: Statements) -> None:
    """Prevent other transactions from summing days until this one ends."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('unsummed'))")


async def sum_noted_days(tx: Statements, *, clinic_id: int | None, limit: int) -> int:
    """Recalculate the sums for the days in the oldest notes, for one clinic or all. Return the number of notes.

    A statement that sees a note also sees the change that caused it. The caller must hold the lock from `lock_sums`:
    otherwise, the older of two concurrent results could overwrite the newer one.
    """
    return await tx.fetchval(SUM_NOTED_DAYS, clinic_id=clinic_id, limit=limit)


async def doctors(db: Statements, clinic_id: int) -> list[ReportedDoctor]:
    """Return the clinic's doctors, current ones before former ones."""
    rows = await db.fetch(
        "select id, name, active from doctor where clinic_id = $1 order by active desc, name, id", clinic_id
    )
    return [ReportedDoctor(*row) for row in rows]


async def totals(
    db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, since: date, last: date
) -> tuple[Sums, Sums]:
    """Return two sums: one for the dates from `first` up to, but not including, `since`, and one for the dates from
    `since` to `last`."""
    rows = await db.fetch(
        """
        select date >= $4 as current, sum(booked) as booked, sum(cancelled) as cancelled, sum(missed) as missed,
               sum(kept) as kept, sum(lead_days) as lead_days,
               coalesce(sum(m.published), 0)::bigint as published_minutes,
               coalesce(sum(m.booked_time), 0)::bigint as booked_minutes
          from doctor_day d,
               lateral (select sum(published) as published, sum(taken) as booked_time
                          from unnest(published_minutes, booked_minutes) as hour (published, taken)) m
         where clinic_id = $1 and date between $3 and $5 and ($2::uuid is null or doctor_id = $2)
         group by 1
        """,
        clinic_id,
        doctor_id,
        first,
        since,
        last,
    )
    sums = {row.current: to(Sums, row) for row in rows}
    return sums.get(False, Sums()), sums.get(True, Sums())


async def over_time(
    db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, last: date, unit: str
) -> list[Step]:
    """Return the sums by `unit` (day, week, month), without minutes, earliest first. Steps without any days are left
    out."""
    rows = await db.fetch(
        """
        select date_trunc($5, date::timestamp)::date as since, sum(booked) as booked, sum(cancelled) as cancelled,
               sum(missed) as missed, sum(kept) as kept, sum(lead_days) as lead_days,
               array[sum(lead[1]), sum(lead[2]), sum(lead[3]), sum(lead[4]),
                     sum(lead[5]), sum(lead[6]), sum(lead[7]), sum(lead[8])] as lead
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
    return [Step(row.since, to(Sums, row), row.lead) for row in rows]


async def by_hour(db: Statements, *, clinic_id: int, doctor_id: UUID | None, first: date, last: date) -> list[HourSums]:
    """Return the minutes for each hour of the day, by doctor and by weekday."""
    rows = await db.fetch(
        """
        select doctor_id, extract(isodow from date)::integer as weekday, (opens + n - 1)::integer as hour,
               sum(published) as published_minutes, sum(taken) as booked_minutes
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
    return [HourSums(*row) for row in rows]
