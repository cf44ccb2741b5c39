"""What the demo worlds contain. They are identical everywhere."""

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from rich.progress import Progress

from appoint import demo
from appoint.database.pool import Database
from appoint.kit import clock
from support.app import ADMIN
from support.database import copy_template, drop

NOON = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)  # New York's clocks change four days later, Berlin's on the 28th
TABLES = (
    "clinic",
    "doctor",
    "appointment_type",
    "doctor_appointment_type",
    "time_slot",
    "doctor_slot",
    "absence",
    "booking_slot",
    "customer",
    "patient",
    "appointment",
)


pytestmark = pytest.mark.xdist_group("demo")
"""One worker runs all demo tests, so that it loads the shared worlds only once."""


@pytest.fixture
async def connection(db: Database, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def new_database(server_url: str, name: str) -> AsyncIterator[asyncpg.Connection]:
    url = await copy_template(server_url, name)
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
    await drop(url)


async def load(connection: asyncpg.Connection, size: str) -> None:
    """Load the world as it is at noon."""
    if size == "small":
        await demo.small(connection, now=NOON)
    else:
        await demo.large(connection, appointments=3000, now=NOON)


@pytest.fixture(scope="module")
async def small_world(server_url: str, worker_id: str) -> AsyncIterator[asyncpg.Connection]:
    """The small world in its own database, which tests only read."""
    async with new_database(server_url, f"small_world_{worker_id}") as connection:
        await load(connection, "small")
        yield connection


@pytest.fixture(scope="module")
async def large_world(server_url: str, worker_id: str) -> AsyncIterator[asyncpg.Connection]:
    """A large world in its own database, which tests only read."""
    async with new_database(server_url, f"large_world_{worker_id}") as connection:
        await load(connection, "large")
        yield connection


@pytest.fixture(scope="module", params=["small", "large"])
def world(request) -> asyncpg.Connection:
    return request.getfixturevalue(f"{request.param}_world")


@pytest.fixture(scope="module")
async def two_clinics(server_url: str, worker_id: str) -> AsyncIterator[tuple[asyncpg.Connection, list[str]]]:
    """A large world with two clinics, which tests only read, and the email addresses of staff who can sign in."""
    async with new_database(server_url, f"two_clinics_{worker_id}") as connection:
        addresses = await demo.large(connection, appointments=21_000, now=NOON, password="four quiet boats at dawn")
        yield connection, addresses


async def table_rows(connection: asyncpg.Connection) -> dict[str, list[str]]:
    return {
        table: sorted(row[0] for row in await connection.fetch(f"select t::text from {table} t")) for table in TABLES
    }


async def constraints_and_indexes(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        """
        select format(
                 '%s %s %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated, conenforced
               )
          from pg_constraint where connamespace = 'public'::regnamespace
        union all
        select format('%s %s', pg_get_indexdef(indexrelid), indisvalid)
          from pg_index join pg_class on pg_class.oid = indrelid where relnamespace = 'public'::regnamespace
        """
    )
    return sorted(row[0] for row in rows)


async def values(connection: asyncpg.Connection, sql: str) -> set[str]:
    return {row[0] for row in await connection.fetch(sql)}


async def test_the_small_world_covers_three_time_zones_and_every_status(small_world):
    assert await values(small_world, "select time_zone from clinic") == {
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
    }
    assert await small_world.fetchval("select count(*) from doctor") == 14
    statuses = {"pending", "booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow"}
    assert await values(small_world, "select status from appointment") == statuses
    assert await values(small_world, "select mode from appointment_type") == {"inPerson", "online"}
    assert await values(small_world, "select doctor_choice from clinic") == {"random", "leastBusy", "roundRobin"}
    assert await values(small_world, "select doctor_id is null from absence") == {True, False}
    assert await values(small_world, "select time_slot_id is null from booking_slot") == {True, False}
    assert await small_world.fetchval("select count(*) from doctor_slot where lower(valid) > $1", NOON.date()) > 0
    assert await small_world.fetchval("select count(*) from appointment where cancel_reason is not null") > 0
    relatives = "select count(*) from appointment where position > 0 and booker_id <> customer_id"
    assert await small_world.fetchval(relatives) > 0
    versions = "select distinct version > 1 from appointment where status = 'fulfilled'"
    assert await values(small_world, versions) == {True}
    families = "select count(*) from (select email from customer group by email having count(*) > 2) as families"
    assert await small_world.fetchval(families) > 5


async def test_customer_names_use_many_scripts(small_world):
    names = "".join(await values(small_world, "select name from customer"))
    scripts = {unicodedata.name(letter).split()[0] for letter in names if letter.isalpha()}
    assert scripts >= {"LATIN", "ARABIC", "CJK", "DEVANAGARI", "CYRILLIC", "BENGALI", "HEBREW", "HANGUL", "TAMIL"}
    assert "🌻" in names
    assert any(ord(letter) > 127 for letter in names if unicodedata.name(letter, "").startswith("LATIN"))


async def test_demo_addresses_and_phone_numbers_do_not_belong_to_real_people(world):
    reachable = """
        with contact as (
          select email, phone from customer
          union all select email, phone from clinic
          union all select email, null from doctor
        )
        select email || coalesce(phone, '') from contact
         where email !~ '[@.]example\\.(org|com|net)$'
            or phone !~ '^(\\+1[2-9][0-9]{2}55501[0-9]{2}|\\+493023125[0-9]{3})$'
    """
    assert await values(world, reachable) == set()


@pytest.mark.parametrize("hour", range(1, 24, 6))
async def test_at_every_hour_one_patient_is_waiting_and_one_is_with_a_doctor(connection, hour):
    now = NOON.replace(hour=hour)
    await demo.small(connection, now=now)
    next_arrived, last_checked_in = await connection.fetchrow(
        """
        select min(lower(during)) filter (where status = 'arrived'),
               max(lower(during)) filter (where status = 'checked-in')
          from appointment
        """
    )
    assert last_checked_in <= now < next_arrived
    assert await values(connection, "select hold_expires_at from appointment where status = 'pending'") == {
        now + timedelta(minutes=10)
    }
    changed_later = "select count(*) from appointment where created_at > $1 or updated_at > $1"
    assert await connection.fetchval(changed_later, now) == 0
    in_the_future = "select count(*) from appointment where status in ('fulfilled', 'noshow') and lower(during) > $1"
    assert await connection.fetchval(in_the_future, now) == 0


@pytest.mark.parametrize(("world", "size"), [("small", "small"), ("large", "large")], indirect=["world"])
async def test_the_demo_is_the_same_in_every_database(connection, world, size):
    await load(connection, size)
    assert await table_rows(connection) == await table_rows(world)


async def test_a_later_hour_changes_statuses_but_not_appointments(connection, small_world):
    await demo.small(connection, now=NOON + timedelta(hours=5))
    plan = "select id::text || customer_id || during from appointment"
    assert await values(connection, plan) == await values(small_world, plan)


async def test_a_different_day_has_different_appointments(connection, small_world):
    await demo.small(connection, now=NOON + timedelta(days=1))
    assert (await table_rows(connection))["appointment"] != (await table_rows(small_world))["appointment"]


async def test_demo_appointments_obey_the_booking_rules(world):
    """Only the code enforces these rules. The database enforces the others."""
    violations = """
        select a.id
          from appointment a
          join clinic c on c.id = a.clinic_id
          join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
          left join booking_slot s  -- covers cancelled appointments as well
            on s.clinic_id = a.clinic_id and s.doctor_id = a.doctor_id and s.active_during @> a.during
         where s.id is null
            or upper(a.during) - lower(a.during) <> make_interval(mins => t.minutes)
            or lower(a.during) - lower(a.claimed) <> make_interval(mins => t.buffer_before_minutes)
            or upper(a.claimed) - upper(a.during) <> make_interval(mins => t.buffer_after_minutes)
            or extract(epoch from lower(a.during) - lower(s.during))::integer % (60 * c.slot_step_minutes) <> 0
            or a.price_amount is distinct from t.price_amount or a.price_currency is distinct from t.price_currency
            or (exists (select from doctor_appointment_type o
                         where o.clinic_id = a.clinic_id and o.doctor_id = a.doctor_id)
                and not exists (select from doctor_appointment_type o
                                 where o.clinic_id = a.clinic_id and o.doctor_id = a.doctor_id
                                   and o.appointment_type_id = t.id))
            or s.date > $1::date + c.horizon_days
    """
    assert await world.fetch(violations, NOON) == []
    assert await world.fetchval("select count(*) from event") == 0


async def test_every_clinic_has_free_times_next_week(client, database_url):
    await demo.load(database_url, size="small", say=print)
    today = clock.now().date()
    monday = today + timedelta(days=7 - today.weekday())
    clinics = (await client.get("/api/clinics")).json()["items"]
    free = {}
    for clinic in clinics:
        params = {"from": str(monday), "to": str(monday + timedelta(days=6)), "minutes": 20}
        days = (await client.get(f"/api/clinics/{clinic['id']}/availability", params=params)).json()["days"]
        free[clinic["slug"]] = sum(day["free"] for day in days) > 50
    assert free == {"spreebogen": True, "harbor-street": True, "lotus-lane": True}


async def test_a_database_with_clinics_is_not_changed(connection, database_url):
    await demo.load(database_url, size="small", say=print, now=NOON)
    before = await table_rows(connection)
    for size in ("small", "large"):
        with pytest.raises(demo.HasClinics, match="already has clinics"):
            await demo.load(database_url, size=size, say=print, now=NOON)
    assert await table_rows(connection) == before


async def test_the_demo_can_be_added_to_existing_clinics(connection, database_url, client):
    await demo.load(database_url, size="small", say=print, now=NOON)
    await demo.load(database_url, size="small", say=print, now=NOON, into_existing=True)
    await demo.large(connection, appointments=1000, now=NOON, into_existing=True)
    assert await values(connection, "select id from clinic") == {1, 2, 3, 4, 5, 6, 7}
    response = await client.post(
        "/api/clinics", json={"name": "Lakeside Clinic", "timeZone": "Europe/Berlin"}, headers=ADMIN
    )
    assert response.json()["id"] == 8


async def test_a_large_world_has_exactly_the_requested_size(two_clinics):
    connection, _ = two_clinics
    sizes = [
        await connection.fetchval(f"select count(*) from {table}")
        for table in ("clinic", "doctor", "appointment", "customer")
    ]
    assert sizes == [2, 21, 21_000, 4_200]
    fewest = "select min(booked) from (select count(*) as booked from appointment group by doctor_id) as doctors"
    assert await connection.fetchval(fewest) == 1000


async def test_a_large_world_has_staff_at_each_clinic(two_clinics):
    connection, addresses = two_clinics
    assert addresses == ["reception@clinic-1.example.org", "manager@clinic-1.example.org"]
    members = await connection.fetch("select clinic_id, role, count(*) from membership group by 1, 2 order by 1, 2")
    assert [tuple(row) for row in members if row["role"] != "doctor"] == [
        (1, "manager", 1),
        (1, "receptionist", 1),
        (2, "manager", 1),
        (2, "receptionist", 1),
    ]


async def test_loading_a_large_world_preserves_constraints_and_indexes(connection):
    before = await constraints_and_indexes(connection)
    await demo.large(connection, appointments=2_000, now=NOON)
    assert await constraints_and_indexes(connection) == before


async def test_an_interrupted_large_world_leaves_nothing_behind_and_can_be_retried(connection):
    class PowerFailure(Progress):
        def advance(self, task_id, advance=1):
            super().advance(task_id, advance)
            if self.tasks[task_id].description != "Appointments" and self.tasks[task_id].completed > 5:
                raise ConnectionError

    before = await constraints_and_indexes(connection), await table_rows(connection)
    with pytest.raises(ConnectionError):
        await demo.large(connection, appointments=2_000, now=NOON, progress=PowerFailure(disable=True))
    assert (await constraints_and_indexes(connection), await table_rows(connection)) == before
    await demo.large(connection, appointments=2_000, now=NOON)
    assert await connection.fetchval("select count(*) from appointment") == 2_000
