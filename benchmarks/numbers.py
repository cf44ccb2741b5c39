"""The reports' numbers, computed from appointments and slots. The daily sums must match them.

Each statement covers a clinic ($1), local dates ($2, $3), and one doctor or all of them ($4). It computes independently
what the database function `summed` computes.
"""

import inspect
import random
import time
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import asyncpg

from appoint.oversight.reports import repository

from .world import World

MINUTES: Final = """
with bounds as (
  select id, time_zone as zone, local_instant($2, 0, time_zone) as since,
         local_instant($3::date + 1, 0, time_zone) as until
    from clinic
   where id = $1
), hour as materialized (
  select day::date as date, h as hour, local_instant(day::date, h * 60, zone) as starts,
         local_instant(day::date, h * 60 + 60, zone) as ends
    from bounds, generate_series($2::timestamp, $3::timestamp, interval '1 day') as day, generate_series(0, 23) as h
), range as (
  select s.doctor_id, lower(s.during) as starts, upper(s.during) as ends, false as booked
    from bounds b join booking_slot s on s.clinic_id = $1 and s.removed_at is null and s.date between $2 and $3
   where $4::uuid is null or s.doctor_id = $4
  union all
  select a.doctor_id, lower(a.during), upper(a.during), true
    from bounds b join appointment a on a.clinic_id = $1 and lower(a.during) >= b.since and lower(a.during) < b.until
   where a.status in ('booked', 'arrived', 'checked-in', 'fulfilled') and ($4 is null or a.doctor_id = $4)
), part as (
  select r.doctor_id, h.date, h.hour, r.booked,
         extract(epoch from least(r.ends, h.ends) - greatest(r.starts, h.starts)) / 60 as minutes
    from bounds, range r,
         lateral (select r.starts at time zone zone as wall,
                         -- the last microsecond, because an end at the moment clocks go back would read an hour early
                         extract(hour from (r.ends - interval '1 microsecond') at time zone zone)::integer
                            as through) l,
         generate_series(extract(hour from wall)::integer, through) as n, hour h
   where h.date = wall::date and h.hour = n
)
"""
BY_DAY_AND_HOUR: Final = f"""{MINUTES}
select doctor_id, date, hour, round(sum(minutes) filter (where not booked))::integer as published_minutes,
       coalesce(round(sum(minutes) filter (where booked)), 0)::integer as booked_minutes
  from part
 group by doctor_id, date, hour
having sum(minutes) > 0
"""
"""Sums per hour."""
UTILISATION: Final = f"""{MINUTES}
select doctor_id, extract(isodow from date) as weekday, hour,
       sum(minutes) filter (where not booked) as published_minutes,
       sum(minutes) filter (where booked) as booked_minutes
  from part
 group by grouping sets ((1, 3), (2, 3))
"""
BOOKED: Final = """
select a.doctor_id, (lower(a.during) at time zone c.time_zone)::date as date, a.status,
       greatest((lower(a.during) at time zone c.time_zone)::date - (a.created_at at time zone c.time_zone)::date, 0)
         as lead
  from clinic c
  join appointment a on a.clinic_id = c.id and lower(a.during) >= local_instant($2, 0, c.time_zone)
                    and lower(a.during) < local_instant($3::date + 1, 0, c.time_zone)
 where c.id = $1 and a.status <> 'pending' and not a.only_held and ($4::uuid is null or a.doctor_id = $4)
"""
BY_DAY: Final = f"""
select doctor_id, date, count(*)::integer as booked, sum((status = 'cancelled')::integer)::integer as cancelled,
       sum((status = 'noshow')::integer)::integer as missed,
       sum((status in ('arrived', 'checked-in', 'fulfilled'))::integer)::integer as kept,
       sum(lead)::integer as lead_days, array_agg(lead order by lead) as leads
  from ({BOOKED}) booked
 group by doctor_id, date
"""
"""Sums per day. `leads` lists the days between booking and appointment."""
NUMBERS: Final = {
    "utilisation by doctor and hour": UTILISATION,
    "bookings and cancellations over time": f"""
        select date_trunc('week', date) as week, count(*), count(*) filter (where status = 'cancelled')
          from ({BOOKED}) b group by 1 order by 1
    """,
    "no-show rate": f"""
        select date_trunc('week', date) as week, count(*) filter (where status = 'noshow'),
               count(*) filter (where status in ('noshow', 'arrived', 'checked-in', 'fulfilled'))
          from ({BOOKED}) b group by 1 order by 1
    """,
    "lead time": f"""
        select width_bucket(lead, array[1, 2, 4, 8, 15, 29, 57]) as bucket, count(*), sum(lead)
          from ({BOOKED}) b group by 1 order by 1
    """,
}
FROM_SUMS: Final = {
    "utilisation by doctor and hour": (repository.by_hour, ()),
    "bookings and cancellations over time": (repository.over_time, ("week",)),
    "no-show rate": (repository.over_time, ("week",)),
    "lead time": (repository.over_time, ("week",)),
}
"""For each number, the function that reads it from the sums, and that function's last arguments."""


def statement_from_sums(name: str) -> tuple[str, Sequence[Any]]:
    """Return the statement that reads a number from the sums, word for word, and the arguments that follow the clinic,
    the doctor and the dates."""
    function, arguments = FROM_SUMS[name]
    return inspect.getsource(function).split('"""')[3], arguments


async def rates(world: World, name: str, *, first: date, last: date, seconds: float) -> tuple[float, float]:
    """Return how many times per second a random clinic's number can be read from the sums and from all rows."""
    statement, arguments = statement_from_sums(name)
    connection = await asyncpg.connect(
        world.url, server_settings={"jit": "off", "plan_cache_mode": "force_generic_plan"}
    )

    async def rate(sql: str, arrange: Any) -> float:
        prepared = await connection.prepare(sql)
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            await prepared.fetch(*arrange(random.randint(1, world.clinics)))
            count += 1
        return count / (time.perf_counter() - start)

    try:
        from_sums = await rate(statement, lambda clinic: (clinic, None, first, last, *arguments))
        return from_sums, await rate(NUMBERS[name], lambda clinic: (clinic, first, last, None))
    finally:
        await connection.close()
