"""Days and hours are local: horizons, the last start before closing, and time that a long visit still occupies."""

from datetime import date, datetime, timedelta

import pytest

from appoint.booking.availability import search
from appoint.booking.availability import service as availability
from appoint.booking.availability.model import AvailabilityFilter, SearchFilter
from appoint.kit.cache import ClinicCache
from support.hours import generate_slots, local, set_weekly_hours
from support.scheduling import unpublished_world
from support.world import MONDAY, PATIENT, World, at

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


async def offered(world, day: date, **members) -> list[datetime]:
    found = await availability.find_for_clinic(
        world.db,
        world.cache,
        clinic_id=world.clinic,
        query=AvailabilityFilter(date=day, **members),
        first=day,
        last=day,
        now=world.now,
    )
    return [offer.start_time for offer in found.days[0].slots]


@pytest.fixture
async def world(db):
    """No hours are published, and it is seven o'clock on Monday in Berlin."""
    async with ClinicCache(None) as cache:
        yield await unpublished_world(db, cache)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
async def test_the_horizon_ends_with_the_local_day(world, zone):
    await world.set_clinic(world.clinic, time_zone=zone, horizon_days=1)
    await world.cache.drop(world.clinic)
    world.now = local(MONDAY, "12:00", zone)
    for day in (TUESDAY, WEDNESDAY):
        await world.publish(world.dr_shah, local(day, "00:00", zone), local(day, "23:30", zone))
    times = [local(TUESDAY, wall_time, zone) for wall_time in ("00:00", "00:15", "16:30", "19:30", "23:00")]
    for time, customer in zip(times, (world.ana, world.ben) * 3, strict=False):
        assert time in await offered(world, TUESDAY, minutes=15)
        assert (await world.book(world.dr_shah, time, customer, minutes=15)).status == "booked"
    refusal = await world.book(world.dr_shah, local(WEDNESDAY, "00:00", zone), world.ana, caller=PATIENT)
    assert refusal.type == "too-far"
    assert await offered(world, WEDNESDAY, minutes=15) == []


async def test_the_last_time_that_fits_before_an_end_is_offered_and_can_be_booked(world):
    await set_weekly_hours(
        world,
        world.dr_shah,
        monday="09:00-12:00 13:00-17:00",
        tuesday="12:00-24:00",
        wednesday="00:00-02:00",
        thursday="12:30-15:30",
    )
    thursday = WEDNESDAY + timedelta(days=1)
    await generate_slots(world, MONDAY, thursday)
    for day, wall_time, minutes in (
        (MONDAY, "11:00", 60),
        (MONDAY, "16:00", 60),
        (TUESDAY, "23:30", 30),
        (WEDNESDAY, "00:00", 30),
        (WEDNESDAY, "01:30", 30),
    ):
        assert local(day, wall_time) in await offered(world, day, minutes=minutes), (day, wall_time)
        assert (await world.book(world.dr_shah, local(day, wall_time), world.ana, minutes=minutes)).status == "booked"
    await world.set_clinic(world.clinic, slot_step_minutes=60)
    await world.cache.drop(world.clinic)
    assert await offered(world, thursday, minutes=60) == [
        local(thursday, wall_time) for wall_time in ("12:30", "13:30", "14:30")
    ]


async def test_the_rest_of_a_visit_in_progress_is_never_offered(db):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, min_notice_minutes=0)
        long_visit = await world.add_type(105, after=10)
        await world.book(world.dr_shah, at(10), world.ana, appointment_type_id=long_visit)
        query = SearchFilter(date=MONDAY, minutes=30, clinic_id=world.clinic)
        for now in (at(10, 5), at(10, 31), at(11)):
            world.now = now
            assert (await offered(world, MONDAY, minutes=30))[0] == at(12)
            found = await search.search(db, query=query, after=None, first=MONDAY, last=MONDAY, now=now)
            assert found[0].start_time == at(12)
            assert (await world.book(world.dr_shah, at(11, 30), world.ben)).type == "taken"
