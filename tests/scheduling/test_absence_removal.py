"""Removing an absence publishes the scheduled hours again."""

from datetime import timedelta

import pytest

from appoint.kit.cache import ClinicCache
from appoint.scheduling.absences import service
from appoint.scheduling.slots import service as slots
from support.hours import generate_slots, list_published, local, set_weekly_hours
from support.scheduling import (
    add_absence,
    book,
    events_of_type,
    move_slot,
    publish_slot,
    remove_absence,
    stranded_ids,
    weekly_world,
)
from support.world import MONDAY


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays and Tuesdays from nine to twelve; this week is published."""
    async with ClinicCache(None) as cache:
        yield await weekly_world(db, cache, monday="09:00-12:00", tuesday="09:00-12:00")


@pytest.mark.parametrize("times", [("09:00", "12:00"), ("10:00", "11:00"), ("00:00", "10:00"), ("11:00", "24:00")])
async def test_removing_an_absence_publishes_the_whole_day_again(world, times):
    await remove_absence(world, await add_absence(world, *times))
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]


async def test_removing_an_absence_covers_stranded_appointments_again(world):
    await book(world, "09:30", 60)
    await book(world, "11:30", customer="ben")
    absence = await add_absence(world, "10:00", "12:00", force=True)
    await remove_absence(world, absence)
    assert await list_published(world.db, world.dr_shah, remnants=False) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]
    assert await list_published(world.db, world.dr_shah, remnants=True) == []
    assert await stranded_ids(world) == []
    assert len(await events_of_type(world.db, "appointment.covered")) == 2


async def test_an_appointment_across_two_doctor_slots_is_covered_again(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-10:00 10:00-12:00")
    await world.db.execute("delete from booking_slot")
    await generate_slots(world, MONDAY)
    await book(world, "09:30", 60)
    await remove_absence(world, await add_absence(world, "00:00", "24:00", force=True))
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Mon 1 10:00-12:00"]
    assert await stranded_ids(world) == []


async def test_an_appointment_stays_stranded_while_another_absence_covers_it(world):
    appointment = await book(world, "10:00")
    closure = await add_absence(world, "09:00", "12:00", doctor=None, force=True)
    doctor_absence = await add_absence(world, "10:00", "11:00", force=True)
    await remove_absence(world, closure)
    assert await stranded_ids(world) == [appointment.id]
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-10:00",
        "Mon 1 10:00-10:30",
        "Mon 1 11:00-12:00",
        "Tue 2 09:00-12:00",
    ]
    await remove_absence(world, doctor_absence)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]


async def test_an_appointment_outside_the_current_schedule_stays_stranded(world):
    appointment = await book(world, "10:00")
    absence = await add_absence(world, "09:00", "12:00", force=True)
    await set_weekly_hours(world, world.dr_shah, monday="10:15-12:00")
    await remove_absence(world, absence)
    assert await stranded_ids(world) == [appointment.id]
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 10:00-10:30",
        "Mon 1 10:30-12:00",
        "Tue 2 09:00-12:00",
    ]


async def test_removing_an_absence_does_not_change_time_outside_it(world):
    """The weekly schedule has since changed, but the change has not been applied."""
    absence = await add_absence(world, "11:00", "12:00")
    await set_weekly_hours(world, world.dr_shah, monday="11:00-11:30 15:00-18:00", tuesday="15:00-18:00")
    await remove_absence(world, absence)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-11:00",
        "Mon 1 11:00-11:30",
        "Tue 2 09:00-12:00",
    ]


async def test_manually_removed_time_stays_removed(world):
    (slot,) = await world.db.fetch("select id from booking_slot where date = $1", MONDAY)
    await move_slot(world, slot.id, MONDAY, "09:00", "11:00")
    await remove_absence(world, await add_absence(world, "10:00", "12:00"))
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-11:00", "Tue 2 09:00-12:00"]


async def test_manual_slots_stay_unchanged(world):
    absence = await add_absence(world, "09:00", "12:00")
    manual = await publish_slot(world, MONDAY, "10:00", "10:30")
    await remove_absence(world, absence)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-10:00",
        "Mon 1 10:00-10:30",
        "Mon 1 10:30-12:00",
        "Tue 2 09:00-12:00",
    ]
    assert (await slots.get(world.db, manual.id)).version == 1


async def test_past_time_is_not_published_again(world):
    absence = await add_absence(world, "00:00", "24:00")
    world.now = local(MONDAY, "13:00")
    await remove_absence(world, absence)
    assert await list_published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]


async def test_nothing_is_published_beyond_the_horizon(world):
    far = MONDAY + timedelta(weeks=20)
    await remove_absence(world, await add_absence(world, "00:00", "24:00", day=far))
    assert len(await list_published(world.db, world.dr_shah)) == 2


async def test_removing_an_absence_twice_removes_it_once_and_it_stays_readable(world):
    absence = await add_absence(world, "09:00", "12:00")
    await remove_absence(world, absence)
    await remove_absence(world, absence)
    assert not (await service.get(world.db, absence.id)).active
    assert len(await events_of_type(world.db, "absence.removed")) == 1
    assert len(await events_of_type(world.db, "slots.generated")) == 2
