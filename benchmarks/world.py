"""The data sets: clinics with ten doctors, each with room for 28 appointments a day. They are stored in `.bench/`, and
each run works on copies."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import asyncpg

from appoint.database import migrate
from appoint.demo.writing import add_up

FOLDER = Path(__file__).parents[1] / ".bench"
CLINICS = {10_000: 10, 100_000: 20, 1_000_000: 100, 10_000_000: 200}
"""The number of clinics for each number of appointments."""
DOCTORS = 10
HALF_BOOKED = 28, 34
FREE = 60, 359
"""The first and last days on which half of the times (`HALF_BOOKED`) or none (`FREE`) are booked. Day 0 is when the
data set was created.
"""
EMPTY = 40
"""Races use the days from this one onwards, which have no bookings."""
ZONE = "Asia/Kolkata"  # has no daylight saving time, so 9:00 is the same UTC time every day
OPENS = timedelta(hours=3, minutes=30)
PLACES, MINUTES = 28, 15
MAX_AGE_DAYS = 20
COUNT = "select count(*) from appointment"


class World(NamedTuple):
    """A copy of a data set."""

    appointments: int
    url: str
    created_on: date

    @property
    def clinics(self) -> int:
        return CLINICS[self.appointments]

    @property
    def customers(self) -> int:
        return self.appointments // 10

    def opening(self, day: int) -> datetime:
        """Return when a day's first appointment starts."""
        return datetime.combine(self.created_on, time(), UTC) + timedelta(days=day) + OPENS

    async def count(self) -> int:
        """Return the number of appointments once it has stopped changing."""
        connection = await asyncpg.connect(self.url)
        try:
            count, before = await connection.fetchval(COUNT), None
            while count != before:
                await asyncio.sleep(0.3)
                count, before = await connection.fetchval(COUNT), count
            return count
        finally:
            await connection.close()

    async def sweep(self) -> None:
        """Delete this run's bookings, so that every measurement starts with the same data."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("delete from appointment where created_at > (select max(created_at) from clinic)")
            await connection.execute("truncate event")
            await connection.execute("vacuum (analyze)")
        finally:
            await connection.close()


def doctor(clinic: str | int, number: str | int) -> str:
    """Return SQL that computes a doctor's id, so that a load generator can do the same. Number 0 is the appointment
    type.
    """
    return f"(lpad(to_hex({clinic}), 8, '0') || '-0000-8000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def customer_id(number: int) -> UUID:
    """Return a customer's id. `customer` returns it as an SQL expression."""
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


def customer(number: str | int) -> str:
    return f"('00000000-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


def fill(appointments: int, customers: int) -> str:
    """Return SQL that books the same times for all of a clinic's doctors, each with a different customer. It starts on
    the last half-booked day and goes back into the past.
    """
    clinics, a_day = CLINICS[appointments], PLACES // 2
    per_doctor = appointments // clinics // DOCTORS
    return f"""
        create function opening(day integer) returns timestamptz
        return now()::date::timestamp at time zone 'UTC' + make_interval(days => day) + '{OPENS}';

        insert into clinic (id, name, time_zone, horizon_days, confirm_address)
        select n, 'Clinic ' || n, '{ZONE}', 366, 'never' from generate_series(1, {clinics}) as n;

        insert into appointment_type (clinic_id, id, name, minutes, price_amount, price_currency)
        select id, {doctor("id", 0)}, 'Check-up', {MINUTES}, 4500, 'EUR' from clinic;

        insert into doctor (clinic_id, id, name)
        select id, {doctor("id", "n")}, 'Dr ' || n from clinic, generate_series(1, {DOCTORS}) as n;

        insert into customer (id, name)
        select {customer("n")}, 'Customer ' || n from generate_series(1, {customers}) as n;

        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select clinic_id, mint_id(clinic_id), id, now()::date + day,
               tstzrange(opening(day), opening(day) + interval '{PLACES * MINUTES} minutes')
          from doctor, generate_series({HALF_BOOKED[1]} - {(per_doctor - 1) // a_day}, {FREE[1]}) as day;

        create temp table visit as
        select c.id as clinic_id, mint_id(c.id) as id, {doctor("c.id", "d")} as doctor_id,
               {doctor("c.id", 0)} as type_id,
               {customer(f"1 + (k * {DOCTORS} + d + c.id * 7919) % {customers}")} as customer_id,
               tstzrange(start, start + interval '{MINUTES} minutes') as during
          from clinic c, generate_series(1, {DOCTORS}) as d, generate_series(0, {per_doctor - 1}) as k,
               lateral (select opening({HALF_BOOKED[1]} - k / {a_day})
                               + interval '{2 * MINUTES} minutes' * (k % {a_day}) as start) as s;

        insert into patient (clinic_id, customer_id) select distinct clinic_id, customer_id from visit;

        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, appointment_type_id, during,
                                 claimed, status, price_amount, price_currency)
        select clinic_id, id, id, doctor_id, customer_id, type_id, during, during,
               case when upper(during) < now() then 'fulfilled' else 'booked' end, 4500, 'EUR'
          from visit;

        drop table visit;
        drop function opening;
    """


async def drop(connection: asyncpg.Connection, database: str) -> None:
    """Drop a database. Only a superuser can stop an autovacuum worker, so wait until it has finished."""
    for _ in range(60):
        with suppress(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"drop database if exists {database} with (force)")
            return
        await asyncio.sleep(1)
    raise TimeoutError(f"{database} is still in use")


@asynccontextmanager
async def copy_of(server_url: str, appointments: int, say: Callable[[str], None]) -> AsyncGenerator[World]:
    """Yield a copy of the data set with this many appointments. Create the original if it is missing or outdated."""

    def url_of(name: str) -> str:
        return server_url.replace("/appoint?", f"/{name}?")

    original, copy = f"world_{appointments}", f"run_{appointments}"
    connection = await asyncpg.connect(server_url)
    try:
        schema = [migration.sql.encode() for migration in migrate.migrations()]
        recipe = hashlib.sha256(b"".join([*schema, fill(appointments, appointments // 10).encode()])).hexdigest()
        comment = await connection.fetchval(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = $1", original
        )
        created_on, _, created_by = (comment or "2000-01-01 ").partition(" ")
        age = datetime.now(UTC).date() - date.fromisoformat(created_on)
        if created_by != recipe or age.days > MAX_AGE_DAYS:
            say(f"Creating the data set with {appointments:,} appointments")
            await connection.execute(f"drop database if exists {original}")
            await connection.execute(f"create database {original}")
            await create(url_of(original), appointments)
            created_on = str(datetime.now(UTC).date())
            await connection.execute(f"comment on database {original} is '{created_on} {recipe}'")
        await drop(connection, copy)
        await connection.execute(f"create database {copy} template {original} strategy file_copy")
        try:
            yield World(appointments, url_of(copy), date.fromisoformat(created_on))
        finally:
            await drop(connection, copy)
    finally:
        await connection.close()


async def create(url: str, appointments: int) -> None:
    """Create the data set. Adding constraints and indexes after the rows takes only a third of the time."""
    await migrate.upgrade(url)
    connection = await asyncpg.connect(url, server_settings={"maintenance_work_mem": "512MB"})
    constraints = await connection.fetch(
        """
        select format('alter table %s drop constraint %I', conrelid::regclass, conname),
               format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
          from pg_constraint
         where conrelid = 'appointment'::regclass and contype in ('p', 'u', 'x', 'f')
            or confrelid = 'appointment'::regclass and contype = 'f'
         order by contype = 'f'
        """
    )
    indexes = await connection.fetch(
        """
        select format('drop index %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
          from pg_index
         where indrelid = 'appointment'::regclass
           and not exists (select from pg_constraint where conindid = indexrelid)
        """
    )
    for drop, _ in [*reversed(constraints), *indexes]:  # foreign keys first
        await connection.execute(drop)
    await connection.execute(fill(appointments, appointments // 10))
    for _, add in [*constraints, *indexes]:
        await connection.execute(add)
    await add_up(connection, first_clinic=1)
    await connection.execute("vacuum (analyze)")
    await connection.close()
