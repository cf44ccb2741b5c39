"""Appointments affected by a schedule change: covered by the new hours, refused, or stranded."""

from datetime import timedelta

import pytest

from appoint.booking import service as appointments
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.hours import list_published, set_weekly_hours
from support.hours_changes import change, schedule_rows
from support.scheduling import (
    book,
    publish_slot,
    stranded_ids,
    weekly_world,
)
from support.transitions import cancel
from support.world import MONDAY


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays from nine to twelve; two weeks are published."""
    async with ClinicCache(None) as cache:
        yield await weekly_world(db, cache, last=MONDAY + timedelta(days=7), monday="09:00-12:00")


async def test_appointments_within_the_new_hours_stay_covered(world):
    """They stay covered even though the slots that contain them are replaced."""
    appointment = await book(world, "10:30", 60)
    await set_weekly_hours(world, world.dr_shah, monday="10:00-11:00 11:00-18:00")
    result = await change(world)
    assert result.stranded == []
    assert (await appointments.get(world.db, appointment.id)).version == 1


async def test_a_change_that_would_strand_appointments_is_refused(world):
    appointments = await book(world, "09:00"), await book(world, "11:30", customer="ben"), await book(world, "10:30")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-11:45")
    state = await schedule_rows(world)
    with pytest.raises(errors.Conflict) as error:
        await change(world)
    assert (error.value.type, error.value.facts["count"]) == ("appointments-stranded", 2)
    assert [each.id for each in error.value.facts["appointments"]] == [appointments[0].id, appointments[1].id]
    assert await schedule_rows(world) == state


async def test_stranded_appointments_can_be_kept(world):
    first, second = await book(world, "09:00"), await book(world, "11:30", customer="ben")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-11:45")
    result = await change(world, stranded="keep")
    assert [(each.id, each.needs_rebooking) for each in result.stranded] == [(first.id, True), (second.id, True)]
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-09:30",
        "Mon 1 10:00-11:30",
        "Mon 1 11:30-12:00",
        "Mon 8 10:00-11:45",
    ]
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:00-09:30", "Mon 1 11:30-12:00"]
    assert (await book(world, "09:30", customer="ben")).type == "outside-hours"


async def test_an_appointment_is_not_stranded_twice(world):
    appointment = await book(world, "09:00")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    await change(world, stranded="keep")
    await set_weekly_hours(world, world.dr_shah, monday="11:00-12:00")
    assert (await change(world)).stranded == []
    assert await stranded_ids(world) == [appointment.id]
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:00-09:30"]


async def test_a_stranded_appointment_is_covered_again_when_its_hours_return(world):
    appointment = await book(world, "09:00")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    await change(world, stranded="keep")
    await set_weekly_hours(world, world.dr_shah, monday="08:00-12:00")
    await change(world)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 08:00-12:00", "Mon 8 08:00-12:00"]
    assert (await appointments.get(world.db, appointment.id)).needs_rebooking is False


async def test_an_appointment_partly_on_a_manual_slot_stays_covered(world):
    await publish_slot(world, MONDAY, "12:00", "13:00")
    await book(world, "11:30", 60)
    await set_weekly_hours(world, world.dr_shah, monday="11:00-12:00")
    assert (await change(world)).stranded == []


async def test_a_stranded_appointment_keeps_only_the_time_outside_manual_slots(world):
    await publish_slot(world, MONDAY, "12:00", "13:00")
    appointment = await book(world, "11:30", 60)
    await set_weekly_hours(world, world.dr_shah, monday="09:00-11:00")
    await change(world, stranded="keep")
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-11:00",
        "Mon 1 11:30-12:00",
        "Mon 1 12:00-13:00",
        "Mon 8 09:00-11:00",
    ]
    await cancel(world, appointment)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-11:00",
        "Mon 1 12:00-13:00",
        "Mon 8 09:00-11:00",
    ]


async def test_a_fulfilled_appointment_keeps_its_time_and_needs_no_rebooking(world):
    await book(world, "09:00")
    await world.db.execute("update appointment set status = 'fulfilled'")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    assert (await change(world)).stranded == []
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:00-09:30"]
    assert await stranded_ids(world) == []


async def test_cancelling_a_stranded_appointment_withdraws_its_time(world):
    appointment = await book(world, "09:00")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    await change(world, stranded="keep")
    await cancel(world, appointment)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 10:00-12:00", "Mon 8 10:00-12:00"]
