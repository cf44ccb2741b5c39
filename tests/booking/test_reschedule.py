"""Moving an appointment to another time or doctor."""

import asyncio
from datetime import timedelta

import pytest

from appoint.booking import service
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.transitions import cancel, step
from support.world import RECEPTION, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def move(world, appointment, start, *, doctor=None):
    try:
        to = RescheduleRequest(start_time=start, doctor_id=doctor)
        return await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    except errors.Conflict as refusal:
        return refusal


async def test_a_rescheduled_appointment_keeps_its_id(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    result = await move(world, appointment, at(10))
    assert (result.id, result.start_time, result.end_time, result.version) == (appointment.id, at(10), at(10, 30), 2)


async def test_an_appointment_can_move_to_a_time_that_overlaps_its_old_one(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, appointment, at(9, 15))).start_time == at(9, 15)


async def test_an_appointment_can_move_to_another_doctor(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, appointment, at(9), doctor=dr_okafor)).doctor_id == dr_okafor


async def test_moving_onto_a_taken_time_is_refused_with_alternatives(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await world.book(world.dr_shah, at(10), world.ben)
    refusal = await move(world, appointment, at(10))
    assert refusal.type == "taken"
    offered = [offer.start_time for offer in refusal.facts["alternatives"]]
    assert at(9, 15) in offered
    assert at(9) not in offered  # its current time


async def test_moving_outside_the_published_hours_is_refused(world):
    assert (await move(world, await world.book(world.dr_shah, at(9), world.ana), at(20))).type == "outside-hours"


async def test_concurrent_swaps_neither_overlap_nor_deadlock(world):
    for _ in range(20):
        first = await world.book(world.dr_shah, at(9), world.ana)
        second = await world.book(world.dr_shah, at(10), world.ben)
        results = await asyncio.gather(move(world, first, at(10)), move(world, second, at(9)))
        assert {getattr(result, "type", "moved") for result in results} <= {"taken", "moved"}
        await world.db.execute("delete from appointment")


async def test_crossing_moves_between_doctors_do_not_deadlock(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    customers = [await world.add_customer(f"Customer {n}") for n in range(16)]
    appointments = [
        await world.book(
            (world.dr_shah, dr_okafor)[n % 2], at(8, 30 * (n // 2) % 60) + timedelta(hours=n // 4), customer
        )
        for n, customer in enumerate(customers)
    ]
    moves = [
        move(world, appointment, appointment.start_time, doctor=(dr_okafor, world.dr_shah)[n % 2])
        for n, appointment in enumerate(appointments)
    ]
    await asyncio.gather(*moves)
    assert await world.count("appointment") == 16


@pytest.mark.parametrize("action", ["move", "cancel"])
async def test_moving_or_cancelling_a_stranded_appointment_removes_its_remnant_slot(world, action):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    other = await world.add_doctor("Dr Okafor")
    await world.publish(other, at(8), at(16))
    await world.db.execute("update appointment set needs_rebooking = true")
    await world.db.execute(
        "update booking_slot set during = tstzrange($2, $3), remnant = true where doctor_id = $1",
        world.dr_shah,
        at(9),
        at(9, 30),
    )
    if action == "move":
        await move(world, appointment, at(9), doctor=other)
    else:
        await cancel(world, appointment)
    assert await world.db.fetchval("select count(*) from booking_slot where remnant") == 0
    assert (await service.get(world.db, appointment.id)).needs_rebooking is False


async def test_every_change_to_an_appointment_records_one_event(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await move(world, appointment, at(10))
    await step(world, appointment, "arrive")
    await step(world, appointment, "fulfil")
    events = await world.db.fetch(
        "select type, subject_version from event where subject_id = $1 order by subject_version", str(appointment.id)
    )
    assert [tuple(event) for event in events] == [
        ("appointment.booked", 1),
        ("appointment.rescheduled", 2),
        ("appointment.arrived", 3),
        ("appointment.fulfilled", 4),
    ]
