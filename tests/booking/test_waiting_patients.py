"""Patients who are waiting: when they arrived, who is in the room, and how many are waiting for each doctor."""

from datetime import timedelta

import pytest

from appoint.booking.day_board import service as day_board
from appoint.booking.undo.service import undo
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.transitions import step
from support.world import MONDAY, RECEPTION, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def load(world, now):
    return await day_board.load_board(
        world.db.within(world.clinic),
        world.cache,
        clinic_id=world.clinic,
        first=MONDAY,
        last=MONDAY,
        doctor_ids=None,
        now=now,
    )


async def test_a_patient_waits_from_arrival_until_they_enter_the_room(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await step(world, appointment, "arrive", at(8, 40))
    await step(world, appointment, "checkIn", at(8, 45))
    board = await load(world, at(8, 59))
    assert [(each.arrived_at, each.waiting_minutes) for each in board.appointments] == [(at(8, 40), 19)]
    in_room = await step(world, appointment, "enterRoom", at(9, 5))
    assert (in_room.status, in_room.in_room_at, in_room.arrived_at) == ("checked-in", at(9, 5), at(8, 40))
    board = await load(world, at(9, 6))
    assert (board.appointments[0].waiting_minutes, board.waiting, board.waiting_count) == (None, [], 0)
    assert "enterRoom" not in board.appointments[0].steps
    completed = await step(world, appointment, "fulfil", at(9, 20))
    assert (completed.arrived_at, completed.in_room_at) == (at(8, 40), at(9, 5))


async def test_the_board_counts_waiting_patients_by_doctor(world):
    okafor = await world.add_doctor("Dr Okafor")
    await world.publish(okafor, at(8), at(16))
    for doctor, customer, start, arrived in (
        (world.dr_shah, world.ana, at(9), at(8, 50)),
        (world.dr_shah, world.ben, at(9, 30), at(8, 55)),
        (okafor, world.ana, at(10), at(8, 30)),
    ):
        await step(world, await world.book(doctor, start, customer), "arrive", arrived)
    board = await load(world, at(9))
    assert [(each.doctor_id, each.patients, each.longest_minutes) for each in board.waiting] == [
        (okafor, 1, 30),
        (world.dr_shah, 2, 10),
    ]
    assert board.waiting_count == 3


async def test_a_patient_cannot_enter_the_room_twice(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await step(world, appointment, "enterRoom", at(9))).arrived_at == at(9)
    with pytest.raises(errors.Conflict, match="wrong-status"):
        await step(world, appointment, "enterRoom", at(9, 1))


async def test_a_patient_is_waiting_again_once_entering_the_room_is_undone(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await step(world, appointment, "arrive", at(8, 40))
    await step(world, appointment, "enterRoom", at(9))
    restored = await world.db.atomic(undo, RECEPTION, appointment_id=appointment.id, now=at(9, 1))
    assert (restored.status, restored.arrived_at, restored.in_room_at) == ("arrived", at(8, 40), None)
    assert (await load(world, at(9, 2))).appointments[0].waiting_minutes == 22


async def test_checking_in_a_patient_due_on_another_day_asks_first(world):
    await world.book(world.dr_shah, at(9), world.ana)
    (today,) = (await load(world, at(8))).appointments
    assert today.steps_to_confirm == []
    (tomorrow,) = (await load(world, at(8, day=MONDAY - timedelta(days=1)))).appointments
    assert tomorrow.steps_to_confirm == ["arrive", "checkIn", "enterRoom"]
