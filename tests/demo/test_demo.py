"""The demo worlds: what they promise to whoever looks around in them, and to who measures with them."""

import unicodedata
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from rich.progress import Progress

from appoint import demo
from appoint.database.pool import Database
from appoint.kit import clock
from support.app import ADMIN
from support.database import copy_template, drop

NOON = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)  # four days later New York's clocks change, and on the 28th Berlin's
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


@pytest.fixture
async def connection(db: Database, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def other(server_url: str, worker_id: str) -> AsyncIterator[asyncpg.Connection]:
    """Of another database."""
    url = await copy_template(server_url, f"other_{worker_id}")
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
    await drop(url)


async def content(connection: asyncpg.Connection) -> dict[str, list[str]]:
    return {
        table: sorted(row[0] for row in await connection.fetch(f"select t::text from {table} t")) for table in TABLES
    }


async def rules(connection: asyncpg.Connection) -> list[str]:
    """Every constraint and every index."""
    rows = await connection.fetch(
        """
        select format('%s %s %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated, conenforced) from pg_constraint
         where connamespace = 'public'::regnamespace
        union all
        select format('%s %s', pg_get_indexdef(indexrelid), indisvalid) from pg_index join pg_class on pg_class.oid = indrelid
         where relnamespace = 'public'::regnamespace
        """
    )
    return sorted(row[0] for row in rows)


async def values(connection: asyncpg.Connection, sql: str) -> set[str]:
    return {row[0] for row in await connection.fetch(sql)}


async def test_the_small_world_has_three_zones_every_status_and_something_of_all(connection):
    await demo.small(connection, now=NOON)
    assert await values(connection, "select time_zone from clinic") == {
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
    }
    assert await connection.fetchval("select count(*) from doctor") == 13
    statuses = {"pending", "booked", "arrived", "checked-in", "fulfilled", "cancelled", "noshow"}
    assert await values(connection, "select status from appointment") == statuses
    assert await values(connection, "select mode from appointment_type") == {"inPerson", "online"}
    assert await values(connection, "select doctor_choice from clinic") == {"random", "leastBusy", "roundRobin"}
    assert await values(connection, "select doctor_id is null from absence") == {True, False}
    assert await values(connection, "select time_slot_id is null from booking_slot") == {True, False}
    assert await connection.fetchval("select count(*) from doctor_slot where lower(valid) > $1", NOON.date()) > 0
    assert await connection.fetchval("select count(*) from appointment where cancel_reason is not null") > 0
    assert (
        await connection.fetchval("select count(*) from appointment where position > 0 and booker_id <> customer_id")
        > 0
    )
    assert await values(connection, "select distinct version > 1 from appointment where status = 'fulfilled'") == {True}
    assert (
        await connection.fetchval(
            "select count(*) from (select email from customer group by email having count(*) > 2) as families"
        )
        > 5
    )


async def test_names_are_of_many_scripts(connection):
    await demo.small(connection, now=NOON)
    names = "".join(await values(connection, "select name from customer"))
    scripts = {unicodedata.name(letter).split()[0] for letter in names if letter.isalpha()}
    assert scripts >= {"LATIN", "ARABIC", "CJK", "DEVANAGARI", "CYRILLIC", "BENGALI", "HEBREW", "HANGUL", "TAMIL"}
    assert "🌻" in names
    assert any(ord(letter) > 127 for letter in names if unicodedata.name(letter, "").startswith("LATIN"))


@pytest.mark.parametrize("appointments", [None, 3000])
async def test_nobody_can_be_reached_by_what_the_demo_says(connection, appointments):
    await (
        demo.large(connection, appointments=appointments, now=NOON)
        if appointments
        else demo.small(connection, now=NOON)
    )
    reachable = """
        with contact as (
          select email, phone from customer union all select email, phone from clinic union all select email, null from doctor
        )
        select email || coalesce(phone, '') from contact
         where email !~ '[@.]example\\.(org|com|net)$' or phone !~ '^(\\+1[2-9][0-9]{2}55501[0-9]{2}|\\+493023125[0-9]{3})$'
    """
    assert await values(connection, reachable) == set()


@pytest.mark.parametrize("hour", range(1, 24, 6))
async def test_at_every_hour_somebody_waits_and_somebody_is_with_a_doctor(connection, hour):
    now = NOON.replace(hour=hour)
    await demo.small(connection, now=now)
    waits, inside = await connection.fetchrow(
        "select min(lower(during)) filter (where status = 'arrived'), max(lower(during)) filter (where status = 'checked-in') from appointment"
    )
    assert inside <= now < waits
    assert await values(connection, "select hold_expires_at from appointment where status = 'pending'") == {
        now + timedelta(minutes=10)
    }
    assert (
        await connection.fetchval("select count(*) from appointment where created_at > $1 or updated_at > $1", now) == 0
    )
    assert (
        await connection.fetchval(
            "select count(*) from appointment where status in ('fulfilled', 'noshow') and lower(during) > $1", now
        )
        == 0
    )


@pytest.mark.parametrize("appointments", [None, 3000])
async def test_two_databases_get_the_same_world(connection, other, appointments):
    for database in (connection, other):
        await (
            demo.large(database, appointments=appointments, now=NOON)
            if appointments
            else demo.small(database, now=NOON)
        )
    assert await content(connection) == await content(other)


async def test_a_later_hour_of_the_day_changes_only_what_has_come_about(connection, other):
    await demo.small(connection, now=NOON)
    await demo.small(other, now=NOON + timedelta(hours=5))
    plan = "select id::text || customer_id || during from appointment"
    assert await values(connection, plan) == await values(other, plan)


async def test_another_day_has_another_world(connection, other):
    await demo.small(connection, now=NOON)
    await demo.small(other, now=NOON + timedelta(days=1))
    assert (await content(connection))["appointment"] != (await content(other))["appointment"]


@pytest.mark.parametrize("appointments", [None, 3000])
async def test_appointments_are_such_as_could_be_booked(connection, appointments):
    """What the database proves is proved: here are the rules that only the code knows."""
    await (
        demo.large(connection, appointments=appointments, now=NOON)
        if appointments
        else demo.small(connection, now=NOON)
    )
    odd = """
        select a.id
          from appointment a
          join clinic c on c.id = a.clinic_id
          join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
          left join booking_slot s on s.clinic_id = a.clinic_id and s.doctor_id = a.doctor_id and s.active_during @> a.during  -- of those that are cancelled too
         where s.id is null
            or upper(a.during) - lower(a.during) <> make_interval(mins => t.minutes)
            or lower(a.during) - lower(a.claimed) <> make_interval(mins => t.buffer_before_minutes)
            or upper(a.claimed) - upper(a.during) <> make_interval(mins => t.buffer_after_minutes)
            or extract(epoch from lower(a.during) - lower(s.during))::integer % (60 * c.slot_step_minutes) <> 0
            or a.price_amount is distinct from t.price_amount or a.price_currency is distinct from t.price_currency
            or (exists (select from doctor_appointment_type o where o.clinic_id = a.clinic_id and o.doctor_id = a.doctor_id)
                and not exists (select from doctor_appointment_type o
                                 where o.clinic_id = a.clinic_id and o.doctor_id = a.doctor_id and o.appointment_type_id = t.id))
            or s.date > $1::date + c.horizon_days
    """
    assert await connection.fetch(odd, NOON) == []
    assert await connection.fetchval("select count(*) from event") == 0


async def test_every_clinic_has_free_times_next_week(client, database_url):
    await demo.load(database_url, size="small", say=print)
    today = clock.now().date()
    monday = today + timedelta(days=7 - today.weekday())
    clinics = (await client.get("/api/clinics")).json()["items"]
    free = {}
    for clinic in clinics:
        asked = {"from": str(monday), "to": str(monday + timedelta(days=6)), "minutes": 20}
        days = (await client.get(f"/api/clinics/{clinic['id']}/availability", params=asked)).json()["days"]
        free[clinic["slug"]] = sum(day["free"] for day in days) > 50
    assert free == {"spreebogen": True, "harbor-street": True, "lotus-lane": True}


async def test_a_database_with_clinics_is_left_alone(connection, database_url):
    await demo.load(database_url, size="small", say=print, now=NOON)
    before = await content(connection)
    for size in ("small", "large"):
        with pytest.raises(demo.HasClinics, match="already has clinics"):
            await demo.load(database_url, size=size, say=print, now=NOON)
    assert await content(connection) == before


async def test_it_can_be_loaded_beside_the_clinics_that_are_there(connection, database_url, client):
    await demo.load(database_url, size="small", say=print, now=NOON)
    await demo.load(database_url, size="small", say=print, now=NOON, into_existing=True)
    await demo.large(connection, appointments=1000, now=NOON, into_existing=True)
    assert await values(connection, "select id from clinic") == {1, 2, 3, 4, 5, 6, 7}
    founded = await client.post(
        "/api/clinics", json={"name": "Lakeside Clinic", "timeZone": "Europe/Berlin"}, headers=ADMIN
    )
    assert founded.json()["id"] == 8


async def test_a_large_world_has_exactly_the_size_that_was_asked_for(connection):
    await demo.large(connection, appointments=21_000, now=NOON)
    counted = await connection.fetchrow(
        "select (select count(*) from clinic), (select count(*) from doctor), (select count(*) from appointment), (select count(*) from customer)"
    )
    assert tuple(counted) == (2, 21, 21_000, 4_200)
    assert (
        await connection.fetchval(
            "select min(booked) from (select count(*) as booked from appointment group by doctor_id) as doctors"
        )
        == 1000
    )


async def test_a_large_world_has_staff_of_each_clinic(connection):
    addresses = await demo.large(connection, appointments=21_000, now=NOON, password="four quiet boats at dawn")
    assert addresses == ["reception@clinic-1.example.org", "manager@clinic-1.example.org"]
    members = await connection.fetch("select clinic_id, role, count(*) from membership group by 1, 2 order by 1, 2")
    assert [tuple(row) for row in members if row["role"] != "doctor"] == [
        (1, "manager", 1),
        (1, "receptionist", 1),
        (2, "manager", 1),
        (2, "receptionist", 1),
    ]


async def test_a_large_world_leaves_the_constraints_and_indexes_of_the_migrations(connection):
    before = await rules(connection)
    await demo.large(connection, appointments=2_000, now=NOON)
    assert await rules(connection) == before


async def test_a_large_world_that_is_cut_off_leaves_nothing_and_can_be_started_again(connection):
    class PowerFailure(Progress):
        def advance(self, task_id, advance=1):
            super().advance(task_id, advance)
            if self.tasks[task_id].description != "Appointments" and self.tasks[task_id].completed > 5:
                raise ConnectionError

    before = await rules(connection), await content(connection)
    with pytest.raises(ConnectionError):
        await demo.large(connection, appointments=2_000, now=NOON, progress=PowerFailure(disable=True))
    assert (await rules(connection), await content(connection)) == before
    await demo.large(connection, appointments=2_000, now=NOON)
    assert await connection.fetchval("select count(*) from appointment") == 2_000
