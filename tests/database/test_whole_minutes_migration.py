"""The upgrade removes seconds from times, which earlier releases accepted."""

import asyncpg
import pytest

from appoint.database import migrate
from support.constraint_rows import ANA, BEN, SHAH, id_of
from support.database import temporary

REVISIONS = [each.revision for each in migrate.migrations() if "whole_minutes" in each.name]
BEFORE = max(each.revision for each in migrate.migrations() if each.revision < REVISIONS[0])
SLOTS = [id_of(1, number) for number in range(200, 206)]
VISITS = [id_of(1, number) for number in range(300, 304)]


def of_day(start: str, end: str) -> str:
    return f"[2027-03-01 {start}Z, 2027-03-01 {end}Z)"


OFF_MINUTE = f"""
insert into clinic (id, name, time_zone) values (1, 'Lakeside', 'Europe/Berlin');
insert into doctor (clinic_id, id, name) values (1, '{SHAH}', 'Dr Shah');
insert into customer (id, name) values ('{ANA}', 'Ana'), ('{BEN}', 'Ben');
insert into patient (clinic_id, customer_id) values (1, '{ANA}'), (1, '{BEN}');
insert into booking_slot (clinic_id, id, doctor_id, date, during, removed_at) values
  (1, '{SLOTS[1]}', '{SHAH}', '2027-03-01', '{of_day("09:00:17.5", "10:00:42.25")}', null),
  (1, '{SLOTS[0]}', '{SHAH}', '2027-03-01', '{of_day("08:00:17", "09:00:17.5")}', null),
  (1, '{SLOTS[2]}', '{SHAH}', '2027-03-01', '{of_day("10:00:42.25", "12:00")}', null),
  (1, '{SLOTS[3]}', '{SHAH}', '2027-03-01', '{of_day("12:00:10", "12:00:40")}', null),
  (1, '{SLOTS[4]}', '{SHAH}', '2027-03-01', '{of_day("13:00:10", "13:30:20")}', now());
insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed) values
  (1, '{VISITS[1]}', '{VISITS[1]}', '{SHAH}', '{ANA}', '{of_day("09:30:17.5", "10:30:17.5")}',
   '{of_day("09:20:17.5", "10:35:17.5")}'),
  (1, '{VISITS[0]}', '{VISITS[0]}', '{SHAH}', '{BEN}', '{of_day("08:50:17", "09:20:17")}',
   '{of_day("08:50:17", "09:20:17")}'),
  (1, '{VISITS[2]}', '{VISITS[2]}', '{SHAH}', '{BEN}', '{of_day("11:00", "11:30")}', '{of_day("11:00", "11:30")}');
insert into absence (clinic_id, id, during) values (1, '{id_of(1, 400)}', '{of_day("14:00:01", "15:00:59.5")}');
"""


@pytest.fixture
def url(server_url, worker_id):
    with temporary(server_url, f"minutes_{worker_id}", migrated=False) as url:
        yield url


async def upgrade_to(revision: str, url: str) -> None:
    migrations = [migration for migration in migrate.migrations() if migration.revision <= revision]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: migrations)
        await migrate.upgrade(url)


async def ranges(connection, table: str) -> list[str]:
    rows = await connection.fetch(
        f"""
        select to_char(lower(during) at time zone 'UTC', 'HH24:MI:SS.US-')
               || to_char(upper(during) at time zone 'UTC', 'HH24:MI:SS.US') as text
          from {table} order by during
        """
    )
    return [row["text"].replace(":00.000000", "") for row in rows]


async def test_the_upgrade_keeps_every_appointment_and_removes_its_seconds(url):
    await upgrade_to(BEFORE, url)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(OFF_MINUTE)
        await upgrade_to(REVISIONS[-1], url)
        assert await ranges(connection, "booking_slot") == [
            "08:00-09:00",
            "09:00-10:00",
            "10:00-12:00",
            "13:00-13:31",
        ]
        assert await ranges(connection, "appointment") == ["08:50-09:20", "09:30-10:30", "11:00-11:30"]
        assert await ranges(connection, "absence") == ["14:00-15:01"]
        deferrable = await connection.fetchval("select condeferrable from pg_constraint where conname = 'within_hours'")
        assert deferrable is False
        await connection.execute("update appointment set version = version + 1")
    finally:
        await connection.close()
