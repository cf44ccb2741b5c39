"""Published hours and claims, as ranges."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from ..database.pool import Row, Statements
from .model import DoctorTime, PublishedSlot


async def doctors_time(
    db: Statements, *, clinic_id: int, doctor_ids: Sequence[UUID], first: date, last: date, time_zone: str
) -> tuple[int | None, dict[UUID, int], list[DoctorTime]]:
    """What is published and claimed on local dates, both inclusive; with it the versions that clinic and doctors have now, of the active ones only.

    Claims reach a day further on both sides, because buffers may. Reads two index-only ranges a doctor.
    """
    rows = await db.fetch(
        """
        with asked as (
          select tstzrange(local_instant($3, 0, $5), local_instant($4::date + 1, 0, $5)) as during
        )
        select (select version from clinic where id = $1 and active) as clinic_version, d.id as doctor_id, d.version as doctor_version,
               published.ids, published.starts, published.ends, published.dates, claims.ranges
          from asked, doctor d,
               lateral (select array_agg(s.id order by s.active_during) as ids,
                               array_agg(lower(s.active_during) order by s.active_during) as starts,
                               array_agg(upper(s.active_during) order by s.active_during) as ends,
                               array_agg(s.date order by s.active_during) as dates
                          from booking_slot s
                         where s.clinic_id = $1 and s.doctor_id = d.id and s.active_during && asked.during) as published,
               lateral (select range_agg(a.active_claim) as ranges
                          from appointment a
                         where a.clinic_id = $1 and a.doctor_id = d.id
                           and a.active_claim && tstzrange(lower(asked.during) - interval '24 hours', upper(asked.during) + interval '24 hours')) as claims
         where d.clinic_id = $1 and d.id = any($2) and d.active
        """,
        clinic_id, doctor_ids, first, last, time_zone,
    )  # fmt: skip
    versions = {row.doctor_id: row.doctor_version for row in rows}
    return (rows[0].clinic_version if rows else None), versions, [_doctor_time(row) for row in rows]


async def everyones_time(db: Statements, *, doctor_ids: Sequence[UUID], first: date, last: date, start: datetime, end: datetime) -> list[DoctorTime]:
    """The same across clinics, for slots of local dates `first…last` in which an appointment that starts in `[start, end)` can lie. Doctors without any are left out."""
    rows = await db.fetch(
        """
        select s.doctor_id,
               array_agg(s.id order by s.active_during) as ids,
               array_agg(lower(s.active_during) order by s.active_during) as starts,
               array_agg(upper(s.active_during) order by s.active_during) as ends,
               array_agg(s.date order by s.active_during) as dates,
               (select range_agg(a.active_claim)
                  from appointment a
                 where a.clinic_id = s.clinic_id and a.doctor_id = s.doctor_id
                   and a.active_claim && tstzrange($4::timestamptz - interval '24 hours', $5::timestamptz + interval '36 hours')) as ranges
          from booking_slot s
         where s.date between $2 and $3 and s.removed_at is null and s.doctor_id = any($1) and s.active_during && tstzrange($4, $5::timestamptz + interval '12 hours')
         group by s.clinic_id, s.doctor_id
        """,
        doctor_ids, first, last, start, end,
    )  # fmt: skip
    return [_doctor_time(row) for row in rows]


async def local_days(db: Statements, *, time_zones: Sequence[str], first: date, last: date) -> Row:
    """The instants between which the local dates lie in any of the zones: `start` and `end`."""
    row = await db.fetchrow(
        "select min(local_instant($2, 0, zone)) as start, max(local_instant($3::date + 1, 0, zone)) as end from unnest($1::text[]) as zone",
        time_zones,
        first,
        last,
    )
    assert row
    return row


def _doctor_time(row: Row) -> DoctorTime:
    ids: Sequence[Any] = row.ids or ()
    slots = list(map(PublishedSlot, ids, row.starts or (), row.ends or (), row.dates or ()))
    return DoctorTime(row.doctor_id, slots, [(claim.lower, claim.upper) for claim in row.ranges or ()])
