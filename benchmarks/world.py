"""What is measured on: clinics of ten doctors, each with room for 28 appointments a day. The data sets are kept in
`.bench/`; a run works on copies."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg

from appoint.database import migrate
from appoint.demo.writing import add_up

FOLDER = Path(__file__).parents[1] / ".bench"
CLINICS = {10_000: 10, 100_000: 20, 1_000_000: 100, 10_000_000: 200}
"""By number of appointments."""
DOCTORS = 10
HALF_BOOKED = 28, 34
FREE = 60, 359
"""The first and the last of the days, counted from the one the data set was made on, on which every other time is
taken; and on which none is."""
EMPTY = 40
"""From here until then nothing is taken either; races are run there."""
ZONE = "Asia/Kolkata"  # without summer time, 9:00 is the same instant of every day
OPENS = timedelta(hours=3, minutes=30)
PLACES, MINUTES = 28, 15
DAYS_KEPT = 20
COUNT = "select count(*) from appointment"


class World(NamedTuple):
    """A copy of a data set, to be booked in."""

    appointments: int
    url: str
    made_on: date

    @property
    def clinics(self) -> int:
        return CLINICS[self.appointments]

    @property
    def customers(self) -> int:
        return self.appointments // 10

    def opening(self, day: int) -> datetime:
        """When the doctors' first appointment of a day starts."""
        return datetime.combine(self.made_on, time(), UTC) + timedelta(days=day) + OPENS

    async def count(self) -> int:
        """The appointments there are, once what has been asked for is done."""
        connection = await asyncpg.connect(self.url)
        try:
            found, before = await connection.fetchval(COUNT), None
            while found != before:
                await asyncio.sleep(0.3)
                found, before = await connection.fetchval(COUNT), found
            return found
        finally:
            await connection.close()

    async def sweep(self) -> None:
        """Undo the bookings of this run, so that the next ones find as much as these did."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("delete from appointment where created_at > (select max(created_at) from clinic)")
            await connection.execute("truncate event")
            await connection.execute("vacuum (analyze)")
        finally:
            await connection.close()


def doctor(clinic: str | int, number: str | int) -> str:
    """A doctor's id as SQL, which a loader can say without asking. Number 0 is the clinic's appointment type."""
    return f"(lpad(to_hex({clinic}), 8, '0') || '-0000-8000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def customer(number: str | int) -> str:
    return f"('00000000-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def fill(appointments: int, customers: int) -> str:
    """Every doctor of a clinic has the same times taken, from the last of the half-booked days back into the past, each
    by another customer."""
    clinics, a_day = CLINICS[appointments], PLACES // 2
    lines = appointments // clinics // DOCTORS
    return f"""
        create function opening(day integer) returns timestamptz return now()::date::timestamp at time zone 'UTC' + make_interval(days => day) + '{OPENS}';
        insert into clinic (id, name, time_zone, horizon_days) select n, 'Clinic ' || n, '{ZONE}', 366 from generate_series(1, {clinics}) as n;
        insert into appointment_type (clinic_id, id, name, minutes, price_amount, price_currency)
        select id, {doctor("id", 0)}, 'Check-up', {MINUTES}, 4500, 'EUR' from clinic;
        insert into doctor (clinic_id, id, name) select id, {doctor("id", "n")}, 'Dr ' || n from clinic, generate_series(1, {DOCTORS}) as n;
        insert into customer (id, name) select {customer("n")}, 'Customer ' || n from generate_series(1, {customers}) as n;
        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select clinic_id, mint_id(clinic_id), id, now()::date + day, tstzrange(opening(day), opening(day) + interval '{PLACES * MINUTES} minutes')
          from doctor, generate_series({HALF_BOOKED[1]} - {(lines - 1) // a_day}, {FREE[1]}) as day;
        create temp table taken as
        select c.id as clinic_id, mint_id(c.id) as id, {doctor("c.id", "d")} as doctor_id, {doctor("c.id", 0)} as type_id,
               {customer(f"1 + (k * {DOCTORS} + d + c.id * 7919) % {customers}")} as customer_id,
               tstzrange(start, start + interval '{MINUTES} minutes') as during
          from clinic c, generate_series(1, {DOCTORS}) as d, generate_series(0, {lines - 1}) as k,
               lateral (select opening({HALF_BOOKED[1]} - k / {a_day}) + interval '{2 * MINUTES} minutes' * (k % {a_day}) as start) as s;
        insert into patient (clinic_id, customer_id) select distinct clinic_id, customer_id from taken;
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, appointment_type_id, during, claimed, status, price_amount, price_currency)
        select clinic_id, id, id, doctor_id, customer_id, type_id, during, during, case when upper(during) < now() then 'fulfilled' else 'booked' end, 4500, 'EUR'
          from taken;
        drop table taken;
        drop function opening;
    """


async def drop(connection: asyncpg.Connection, database: str) -> None:
    """Drop a database. Only superusers may end an autovacuum worker, so wait for one to finish."""
    for _ in range(60):
        with suppress(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"drop database if exists {database} with (force)")
            return
        await asyncio.sleep(1)
    raise TimeoutError(f"{database} is still in use")


@asynccontextmanager
async def copied(server_url: str, appointments: int, say: Callable[[str], None]) -> AsyncGenerator[World]:
    """A copy of the data set of that size, which is made first when there is none, or an old one."""
    at = lambda name: server_url.replace("/appoint?", f"/{name}?")  # noqa: E731
    kept, copy = f"world_{appointments}", f"run_{appointments}"
    connection = await asyncpg.connect(server_url)
    try:
        schema = [migration.sql.encode() for migration in migrate.migrations()]
        recipe = hashlib.sha256(b"".join([*schema, fill(appointments, appointments // 10).encode()])).hexdigest()
        made = await connection.fetchrow(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = $1", kept
        )
        made_on, _, made_by = ((made and made[0]) or "2000-01-01 ").partition(" ")
        if made_by != recipe or (datetime.now(UTC).date() - date.fromisoformat(made_on)).days > DAYS_KEPT:
            say(f"Making the data set of {appointments:,} appointments")
            await connection.execute(f"drop database if exists {kept}")
            await connection.execute(f"create database {kept}")
            await make(at(kept), appointments)
            made_on = str(datetime.now(UTC).date())
            await connection.execute(f"comment on database {kept} is '{made_on} {recipe}'")
        await drop(connection, copy)
        await connection.execute(f"create database {copy} template {kept} strategy file_copy")
        try:
            yield World(appointments, at(copy), date.fromisoformat(made_on))
        finally:
            await drop(connection, copy)
    finally:
        await connection.close()


async def make(url: str, appointments: int) -> None:
    await migrate.upgrade(url)
    connection = await asyncpg.connect(url, server_settings={"maintenance_work_mem": "512MB"})
    constraints = await connection.fetch(
        """
        select format('alter table appointment drop constraint %I', conname), format('alter table appointment add constraint %I %s', conname, pg_get_constraintdef(oid))
          from pg_constraint where conrelid = 'appointment'::regclass and contype in ('p', 'u', 'x', 'f') order by contype = 'f'
        """
    )
    indexes = await connection.fetch(
        """
        select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid) from pg_index
         where indrelid = 'appointment'::regclass and not exists (select from pg_constraint where conindid = indexrelid)
        """
    )
    around = [*constraints, *indexes]  # put back after the rows, they take a third of the time
    for drop, _ in around:
        await connection.execute(drop)
    await connection.execute(fill(appointments, appointments // 10))
    for _, add in around:
        await connection.execute(add)
    await add_up(connection, first_clinic=1)
    await connection.execute("vacuum (analyze)")
    await connection.close()
