"""Times are on whole minutes, even where callers or the clock could produce others."""

from datetime import UTC, datetime, timedelta

import pytest

from appoint.clinics.doctors import service as doctors
from appoint.clinics.doctors.model import DoctorPatch
from appoint.kit.cache import ClinicCache
from appoint.kit.fields import next_minute
from support.app import ADMIN
from support.appointments import appointment_body, create_world
from support.hours import generate_slots, list_published, set_weekly_hours
from support.scheduling import add_absence, remove_absence, weekly_world
from support.world import MONDAY, RECEPTION, create_appointment_type

FRACTIONS = (timedelta(seconds=17), timedelta(milliseconds=500), timedelta(microseconds=1))


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await create_world(db, cache)


async def refused_at(client, method, path, body) -> list[str]:
    response = await client.request(method, path, json=body, headers=ADMIN)
    assert response.status_code == 400, response.text
    return [fault["pointer"] for fault in response.json()["errors"]]


async def test_requests_for_times_with_seconds_are_refused(client, world):
    appointment = (await client.post("/api/appointments", json=appointment_body(world))).json()
    slot_id = await world.db.fetchval("select id from booking_slot where lower(during) > now()")
    absences = f"/api/clinics/{world.clinic}/absences"
    next_week = {
        "startTime": (world.nine + timedelta(days=7)).isoformat(),
        "endTime": (world.nine + timedelta(days=8)).isoformat(),
    }
    absence = (await client.post(absences, json=next_week, headers=ADMIN)).json()
    for fraction in FRACTIONS:
        start = world.nine + timedelta(hours=2) + fraction
        times = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
        for method, path, body in (
            ("POST", "/api/appointments", appointment_body(world) | times),
            ("POST", "/api/bookings", {"clinicId": world.clinic, **appointment_body(world), **times}),
            ("PUT", f"/api/appointments/{appointment['id']}", times),
            ("POST", "/api/bookingSlots", {"doctorId": str(world.dr_shah), **times}),
            ("PUT", f"/api/bookingSlots/{slot_id}", times),
            ("POST", absences, times),
            ("PATCH", f"/api/absences/{absence['id']}", times),
        ):
            assert "#/startTime" in await refused_at(client, method, path, body), (method, path)
        typed = {
            "appointmentTypeId": await create_appointment_type(client, world.clinic),
            "startTime": start.isoformat(),
        }
        body = {name: value for name, value in appointment_body(world).items() if name != "endTime"} | typed
        assert await refused_at(client, "POST", "/api/appointments", body) == ["#/startTime"]


async def test_nanoseconds_are_not_rounded_to_a_minute(client, world):
    start = world.nine.strftime("%Y-%m-%dT%H:%M:00.000000001Z")
    response = await client.post("/api/appointments", json=appointment_body(world, startTime=start))
    assert response.status_code in (201, 400)
    assert await world.db.fetchval("select count(*) from appointment where extract(second from lower(during)) > 0") == 0


async def test_the_reschedule_form_ignores_times_with_seconds(client, world):
    appointment = (await client.post("/api/appointments", json=appointment_body(world))).json()
    path = f"/appointments/{appointment['manageToken']}/move"
    start = (world.nine + timedelta(hours=2, seconds=17)).isoformat()
    assert (await client.post(path, data={"start": start, "version": "1"})).status_code == 200
    shown = (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()
    assert shown["startTime"] == appointment["startTime"]


async def test_the_next_minute_is_never_before_the_instant():
    for instant in (
        datetime(2027, 3, 1, 8, 0, tzinfo=UTC),
        datetime(2027, 3, 1, 8, 0, 0, 1, tzinfo=UTC),
        datetime(2027, 3, 1, 8, 0, 59, 999999, tzinfo=UTC),
    ):
        rounded = next_minute(instant)
        assert (rounded.second, rounded.microsecond) == (0, 0)
        assert timedelta() <= rounded - instant < timedelta(minutes=1)


@pytest.fixture
async def published(db):
    """Dr Shah works from nine to five on Mondays. It is 12:22:42 in Berlin."""
    async with ClinicCache(None) as cache:
        world = await weekly_world(db, cache, last=MONDAY, monday="09:00-17:00")
        world.now = datetime(2027, 3, 1, 11, 22, 42, 396373, tzinfo=UTC)
        yield world


async def restore(world):
    await world.db.atomic(doctors.remove, RECEPTION, doctor_id=world.dr_shah, if_match=None, now=world.now)
    await world.db.atomic(
        doctors.change, RECEPTION, doctor_id=world.dr_shah, change=DoctorPatch(active=True), if_match=None
    )


async def test_hours_published_again_after_a_doctors_return_start_on_the_clinics_step(published):
    await restore(published)
    assert await list_published(published.db, published.dr_shah) == ["Mon 1 09:00-12:15"]
    await generate_slots(published, MONDAY)
    assert await list_published(published.db, published.dr_shah) == ["Mon 1 09:00-12:15", "Mon 1 12:15-17:00"]


async def test_a_slot_that_ends_with_its_doctors_removal_still_covers_its_appointments(published):
    start = datetime(2027, 3, 1, 11, 0, tzinfo=UTC)
    published.now -= timedelta(hours=2)
    appointment = await published.book(published.dr_shah, start, published.ana, minutes=20)
    published.now += timedelta(hours=2)
    assert appointment.status == "booked"
    await restore(published)
    assert await list_published(published.db, published.dr_shah) == ["Mon 1 09:00-12:20"]


async def test_a_slot_that_has_just_begun_is_withdrawn_when_its_doctor_is_removed(published):
    published.now = datetime(2027, 3, 1, 8, 5, 1, tzinfo=UTC)
    await restore(published)
    assert await list_published(published.db, published.dr_shah) == []


async def test_an_absence_that_has_begun_cuts_hours_at_the_next_minute(published):
    absence = await add_absence(published, "10:00", "14:00")
    assert await list_published(published.db, published.dr_shah) == ["Mon 1 09:00-12:23", "Mon 1 14:00-17:00"]
    published.now += timedelta(minutes=1)
    await remove_absence(published, absence)
    assert await list_published(published.db, published.dr_shah) == ["Mon 1 09:00-17:00"]


async def test_weekly_hours_in_any_zone_are_on_whole_minutes(db):
    async with ClinicCache(None) as cache:
        world = await weekly_world(db, cache, last=MONDAY, monday="00:00-24:00")
        for zone in ("Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham"):
            await world.db.execute("delete from booking_slot")
            await world.set_clinic(world.clinic, time_zone=zone)
            await set_weekly_hours(world, world.dr_shah, MONDAY, monday="00:00-24:00")
            assert (await generate_slots(world, MONDAY, MONDAY + timedelta(days=366))).created > 50
