"""Staff undo moves, and steps that change several appointments, with the address in the response."""

from datetime import timedelta

import pytest

from appoint.booking import service, transitions
from appoint.booking.model import RescheduleRequest
from appoint.booking.repository import erasure
from appoint.booking.reschedule import reschedule
from appoint.booking.time_rules import Override
from appoint.booking.undo.service import undo, undo_all
from appoint.kit import errors, ids
from appoint.kit.cache import ClinicCache
from support.hours import list_published
from support.scheduling import add_absence
from support.transitions import cancel, step
from support.world import PATIENT, RECEPTION, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def move(world, appointment, start, *, caller=RECEPTION, doctor=None, allow=(), step_id=None):
    override = Override(allow=list(allow), reason="In pain") if allow else None
    to = RescheduleRequest(start_time=start, doctor_id=doctor, override=override)
    return await reschedule(
        world.db, caller, appointment_id=appointment.id, to=to, if_match=None, step_id=step_id, now=world.now
    )


async def take_back(world, appointment, **members):
    try:
        return await world.db.atomic(undo, RECEPTION, appointment_id=appointment.id, now=world.now, **members)
    except errors.Conflict as refusal:
        return refusal


async def take_back_all(world, step_id):
    try:
        return await undo_all(world.db, RECEPTION, step_id=step_id, doctor_id=None, now=world.now)
    except errors.Conflict as refusal:
        return refusal


async def test_an_undone_move_restores_the_doctor_and_the_time(world):
    okafor = await world.add_doctor("Dr Okafor")
    await world.publish(okafor, at(8), at(16))
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    moved = await move(world, appointment, at(10), doctor=okafor)
    assert moved.undo.messages_held_until == world.now + timedelta(seconds=8)
    restored = await take_back(world, appointment)
    assert (restored.doctor_id, restored.start_time, restored.undo) == (world.dr_shah, at(9), None)
    assert (await world.book(okafor, at(10), world.ben)).status == "booked"


async def test_an_undone_move_publishes_and_withdraws_the_time_of_appointments_outside_hours(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await move(world, appointment, at(17), allow=["outside-hours"])
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-17:00", "Mon 1 18:00-18:30"]
    restored = await take_back(world, appointment)
    assert (restored.start_time, restored.overrides) == (at(9), [])
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-17:00"]
    await move(world, appointment, at(17), allow=["outside-hours"])
    await move(world, appointment, at(10))
    restored = await take_back(world, appointment)
    assert (restored.start_time, restored.overrides, restored.override_reason) == (at(17), ["outside-hours"], "In pain")


async def test_an_appointment_that_needed_rebooking_needs_it_again_after_the_undo(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await add_absence(world, "09:00", "11:00", force=True)
    assert (await move(world, appointment, at(12))).needs_rebooking is False
    restored = await take_back(world, appointment)
    assert (restored.start_time, restored.needs_rebooking) == (at(9), True)
    await cancel(world, appointment)
    assert (await take_back(world, appointment)).needs_rebooking is True


async def test_a_move_cannot_be_undone_once_its_old_time_is_taken(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    moved = await move(world, appointment, at(10))
    await world.book(world.dr_shah, at(9), world.ben)
    assert (await take_back(world, appointment)).type == "taken"
    assert (await service.get(world.db, appointment.id)).start_time == moved.start_time


async def test_a_patients_own_move_cannot_be_undone(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await move(world, appointment, at(10), caller=PATIENT)
    assert (await take_back(world, appointment)).type == "nothing-to-undo"


async def test_a_step_that_someone_else_has_changed_since_is_not_undone(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    first = ids.new_id(world.clinic)
    await move(world, appointment, at(10), step_id=first)
    await move(world, appointment, at(11))
    assert (await take_back_all(world, first)).type == "changed-since"
    await move(world, appointment, at(12), step_id=(second := ids.new_id(world.clinic)))
    await move(world, appointment, at(13), caller=PATIENT)
    assert (await take_back_all(world, second)).type == "changed-since"


async def test_a_step_for_several_appointments_is_undone_where_possible(world):
    step_id = ids.new_id(world.clinic)
    appointments = [await world.book(world.dr_shah, at(9 + hour), world.ana) for hour in range(3)]
    for each in appointments:
        await world.db.atomic(
            transitions.cancel,
            RECEPTION,
            appointment_id=each.id,
            reason="Closed",
            step_id=step_id,
            if_match=None,
            now=world.now,
        )
    await world.book(world.dr_shah, at(10), world.ben)
    outcome = await take_back_all(world, step_id)
    assert [each.id for each in outcome.appointments] == [appointments[0].id, appointments[2].id]
    assert {(each.status, each.cancel_reason) for each in outcome.appointments} == {("booked", None)}
    assert [(each.appointment_id, each.reason) for each in outcome.not_undone] == [(appointments[1].id, "taken")]
    assert (await take_back_all(world, step_id)).type == "taken"


async def test_an_undone_step_cannot_be_undone_again(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await move(world, appointment, at(10), step_id=(step_id := ids.new_id(world.clinic)))
    await take_back_all(world, step_id)
    assert (await take_back_all(world, step_id)).type == "nothing-to-undo"


async def test_an_unknown_step_is_not_found(world):
    with pytest.raises(errors.NotFound):
        await take_back_all(world, ids.new_id(world.clinic))


async def test_staff_can_move_a_waiting_patient_who_stays_arrived_on_the_same_day(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    arrived = await step(world, appointment, "arrive", at(8, 50))
    moved = await move(world, appointment, at(10))
    assert (moved.status, moved.arrived_at) == ("arrived", arrived.arrived_at)
    await world.publish(world.dr_shah, at(9) + timedelta(days=1), at(10) + timedelta(days=1))
    moved = await move(world, appointment, at(9) + timedelta(days=1))
    assert (moved.status, moved.arrived_at) == ("booked", None)
    restored = await take_back(world, appointment)
    assert (restored.status, restored.start_time, restored.arrived_at) == ("arrived", at(10), arrived.arrived_at)
    with pytest.raises(errors.Conflict, match="wrong-status"):
        await move(world, appointment, at(11), caller=PATIENT)


async def test_steps_are_deleted_after_two_days(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await move(world, appointment, at(10))
    assert await erasure.delete_old_steps(world.db, before=world.now) == 0
    assert await erasure.delete_old_steps(world.db, before=world.now + timedelta(days=2)) == 1
