"""Write the rows of demo worlds, with COPY and without events."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from random import Random
from typing import Any
from uuid import UUID

from asyncpg import Range

from ..kit.errors import StartupError
from .visits import clinics_id


class HasClinics(StartupError):
    def __init__(self) -> None:
        super().__init__(
            "This database already has clinics, so the demo world was not loaded. "
            "`appoint demo --into-existing` loads it alongside them."
        )


async def expect_no_clinics(connection: Any) -> None:
    """Raise `HasClinics` if the database has clinics."""
    if await connection.fetchval("select exists (select from clinic)"):
        raise HasClinics


async def next_clinic(connection: Any, *, into_existing: bool) -> int:
    """Return the id of the first new clinic, and lock the table until the transaction ends. Raise `HasClinics` if there
    already are clinics, unless `into_existing` is set.
    """
    await connection.execute("lock table clinic in share row exclusive mode")
    if not into_existing:
        await expect_no_clinics(connection)
    return await connection.fetchval("select coalesce(max(id), 0) + 1 from clinic")


async def write(connection: Any, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table(table, columns=columns.split(), records=rows)


async def publish(
    connection: Any, random: Random, clinic_id: int, *, first: date, last: date, at: datetime
) -> dict[UUID, list[Range[datetime]]]:
    """Publish the weekly schedules on local dates, including past ones, as the nightly job does. Return each doctor's
    slots in order."""
    pieces = await connection.fetch(
        """
        select s.doctor_id, s.date, s.time_slot_id, piece
          from scheduled($1, null, $2, $3) s, unnest(s.pieces) as piece
         order by s.doctor_id, piece
        """,
        clinic_id,
        first,
        last,
    )
    await write(
        connection,
        "booking_slot",
        "clinic_id id doctor_id date during time_slot_id created_at updated_at",
        (
            (clinic_id, clinics_id(random, clinic_id, at), doctor_id, day, during, time_slot_id, at, at)
            for doctor_id, day, time_slot_id, during in pieces
        ),
    )
    return {
        doctor_id: [row["piece"] for row in rows]
        for doctor_id, rows in groupby(pieces, key=lambda row: row["doctor_id"])
    }


async def add_up(connection: Any, *, first_clinic: int, last_clinic: int | None = None) -> None:
    """Calculate each doctor's daily totals. The worker does this only after events, and demo worlds have none."""
    await connection.execute(
        """
        insert into doctor_day (clinic_id, date, doctor_id, opens, published_minutes, booked_minutes, booked, cancelled,
                                missed, kept, lead_days, lead, longest_free_minutes)
        select d.clinic_id, s.date, d.id, s.opens, s.published_minutes, s.booked_minutes, s.booked, s.cancelled,
               s.missed, s.kept, s.lead_days, s.lead, coalesce(f.minutes, 0)
          from doctor d
         cross join lateral summed(d.clinic_id, d.id, null, null) s
          left join lateral (select * from longest_free(d.clinic_id, d.id, null, null) offset 0) f on f.date = s.date
         where d.clinic_id between $1 and coalesce($2, d.clinic_id)
         order by d.clinic_id, s.date, d.id
        """,
        first_clinic,
        last_clinic,
    )


async def drop_indexes(connection: Any, tables: Sequence[str]) -> list[str]:
    """Drop the tables' keys, foreign keys, exclusion constraints and indexes. Return the statements that restore them,
    in order.

    Check constraints remain, and so do partial indexes, which cover almost no rows in demo worlds.
    """
    statements = await connection.fetch(
        """
        select format('alter table %s drop constraint %I', conrelid::regclass, conname) as drop,
               format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
                 as restore,
               contype = 'f' as is_foreign_key
          from pg_constraint
         where contype in ('p', 'u', 'x', 'f') and array[conrelid, confrelid] && $1::text[]::regclass[]::oid[]
        union all
        select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid), false
          from pg_index
         where indrelid = any($1::text[]::regclass[]) and indpred is null
           and not exists (select from pg_constraint where conindid = indexrelid)
         order by is_foreign_key, restore
        """,
        tables,
    )
    for row in reversed(statements):  # foreign keys first, then the keys that they refer to
        await connection.execute(row["drop"])
    return [row["restore"] for row in statements]


async def finish(connection: Any) -> None:
    """Set the next clinic's number, and update the statistics and the visibility map for the new rows."""
    await connection.execute("select setval(pg_get_serial_sequence('clinic', 'id'), max(id)) from clinic")
    await connection.execute(
        "vacuum (analyze) clinic, doctor, appointment_type, doctor_appointment_type, customer, patient, time_slot, "
        "doctor_slot, absence, booking_slot, appointment, doctor_day"
    )
