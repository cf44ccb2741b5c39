"""Appointments that conflict with an absence: refused by default, stranded when the absence is forced."""

import pytest

from appoint.booking import service as appointments
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.hours import list_published, local
from support.scheduling import (
    TUESDAY,
    add_absence,
    book,
    events_of_type,
    move_slot,
    stranded_ids,
    weekly_world,
)
from support.transitions import cancel
from support.world import MONDAY, RECEPTION


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays and Tuesdays from nine to twelve; this week is published."""
    async with ClinicCache(None) as cache:
        yield await weekly_world(db, cache, monday="09:00-12:00", tuesday="09:00-12:00")


async def test_an_absence_is_refused_with_a_list_of_conflicting_appointments(world):
    first, second = await book(world, "10:00"), await book(world, "11:00")
    await book(world, "09:00")
    with pytest.raises(errors.Conflict) as error:
        await add_absence(world, "10:15", "12:00")
    assert (error.value.type, error.value.facts["count"]) == ("appointments-in-the-way", 2)
    assert [each.id for each in error.value.facts["appointments"]] == [first.id, second.id]
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]
    assert await world.count("absence") == 0


async def test_appointments_next_to_an_absence_do_not_conflict(world):
    await book(world, "09:30")
    await add_absence(world, "10:00", "12:00")
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Tue 2 09:00-12:00"]


async def test_a_cancelled_appointment_does_not_conflict(world):
    appointment = await book(world, "10:00")
    await cancel(world, appointment)
    await add_absence(world, "09:00", "12:00")
    assert await list_published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]


async def test_a_fulfilled_appointment_does_not_conflict_and_keeps_its_time(world):
    appointment = await book(world, "10:00")
    await world.db.execute("update appointment set status = 'fulfilled'")
    await add_absence(world, "09:00", "12:00")
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 10:00-10:30"]
    assert appointment.id not in await stranded_ids(world)


async def test_a_forced_absence_keeps_exactly_the_appointments_time(world):
    first, second = await book(world, "09:30"), await book(world, "11:00", 45, customer="ben")
    await add_absence(world, "09:00", "12:00", force=True)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:30-10:00",
        "Mon 1 11:00-11:45",
        "Tue 2 09:00-12:00",
    ]
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:30-10:00", "Mon 1 11:00-11:45"]
    assert await stranded_ids(world) == [first.id, second.id]
    assert {event.subject_id for event in await events_of_type(world.db, "appointment.stranded")} == {
        str(first.id),
        str(second.id),
    }


async def test_adjacent_appointments_keep_one_slot_each(world):
    await book(world, "09:30")
    await book(world, "10:00", customer="ben")
    await add_absence(world, "00:00", "24:00", force=True)
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:30-10:00", "Mon 1 10:00-10:30"]


async def test_an_appointment_partly_in_an_absence_keeps_all_its_time(world):
    await book(world, "09:30", 60)
    await add_absence(world, "10:00", "11:00", force=True)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-09:30",
        "Mon 1 09:30-10:30",
        "Mon 1 11:00-12:00",
        "Tue 2 09:00-12:00",
    ]
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:30-10:30"]


async def test_an_appointment_across_two_slots_keeps_a_single_slot(world):
    await world.publish(world.dr_shah, local(MONDAY, "12:00"), local(MONDAY, "13:00"))
    await book(world, "11:30", 60)
    await add_absence(world, "11:00", "12:00", force=True)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-11:00",
        "Mon 1 11:30-12:30",
        "Mon 1 12:30-13:00",
        "Tue 2 09:00-12:00",
    ]


async def test_a_second_absence_does_not_change_a_stranded_appointment(world):
    appointment = await book(world, "10:00")
    await add_absence(world, "09:00", "12:00", force=True)
    with pytest.raises(errors.Conflict):
        await add_absence(world, "10:00", "11:00")
    await add_absence(world, "10:00", "11:00", force=True)
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 10:00-10:30"]
    assert (await appointments.get(world.db, appointment.id)).version == 2


async def test_the_time_around_a_stranded_appointment_cannot_be_booked(world):
    await book(world, "10:00")
    await add_absence(world, "09:00", "12:00", force=True)
    assert (await book(world, "10:30", customer="ben")).type == "outside-hours"


@pytest.mark.parametrize("action", ["cancel", "move"])
async def test_cancelling_or_moving_a_stranded_appointment_withdraws_its_time(world, action):
    appointment = await book(world, "10:00")
    await add_absence(world, "09:00", "12:00", force=True)
    if action == "cancel":
        await cancel(world, appointment)
    else:
        to = RescheduleRequest(start_time=local(TUESDAY, "10:00"))
        await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    assert await list_published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]
    assert await stranded_ids(world) == []


async def test_a_stranded_appointments_slot_cannot_be_moved(world):
    await book(world, "10:00")
    await add_absence(world, "09:00", "12:00", force=True)
    (slot,) = await world.db.fetch("select id from booking_slot where remnant")
    with pytest.raises(errors.Conflict) as error:
        await move_slot(world, slot.id, MONDAY, "09:00", "12:00")
    assert error.value.type == "slot-has-appointments"
