"""Staff undo bookings that they have just made."""

from datetime import timedelta
from uuid import UUID

import pytest

from appoint.booking.model import AppointmentRequest
from appoint.booking.repository import list_visits
from appoint.booking.time_rules import Override
from appoint.booking.undo.service import undo, undo_all
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.kit.permissions import Role
from support.callers import member
from support.hours import list_published
from support.report_sums import relay_all
from support.transitions import cancel, step
from support.world import PATIENT, RECEPTION, World, at


@pytest.fixture
async def world(db):
    """Dr Shah works from eight to four (UTC) on Monday. Nora is at the desk."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        world.nora = member("user:nora", world.clinic, Role.RECEPTIONIST)
        yield world


async def take_back(world, appointment):
    try:
        return await world.db.atomic(undo, world.nora, appointment_id=appointment.id, now=world.now)
    except errors.Conflict as refusal:
        return refusal


async def test_a_booking_by_staff_can_be_undone(world):
    hours = await list_published(world.db, world.dr_shah)
    override = Override(allow=["outside-hours"], reason="In pain")
    for start in (at(9), at(18)):
        appointment = await world.book(world.dr_shah, start, world.ana, caller=world.nora, override=override)
        assert appointment.undo.messages_held_until == world.now + timedelta(seconds=8)
        undone = await take_back(world, appointment)
        assert (undone.status, undone.cancel_reason, undone.undo) == ("cancelled", None, None)
        assert await list_published(world.db, world.dr_shah) == hours
        assert (await take_back(world, appointment)).type == "nothing-to-undo"


async def test_a_walk_in_who_has_arrived_can_be_undone(world):
    world.now = at(9, 10)
    appointment = await world.book(world.dr_shah, at(9), world.ana, caller=world.nora, status="arrived")
    assert (await take_back(world, appointment)).status == "cancelled"


async def test_appointments_booked_together_are_undone_together(world):
    requests = [
        AppointmentRequest(
            clinic_id=world.clinic,
            customer_id=customer,
            doctor_id=world.dr_shah,
            start_time=start,
            end_time=start + timedelta(minutes=30),
        )
        for customer, start in ((world.ana, at(9)), (world.ben, at(10)))
    ]
    first, second = await world.book_all([(each.customer_id, each) for each in requests], caller=world.nora)
    assert first.undo == second.undo
    step_id = UUID(first.undo.url.split("/")[3])
    undone = await undo_all(world.db, world.nora, step_id=step_id, doctor_id=None, now=world.now)
    assert [each.status for each in undone.appointments] == ["cancelled", "cancelled"]


async def test_reports_leave_out_an_undone_booking(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana, caller=world.nora)
    await relay_all(world)
    assert await world.db.fetchval("select booked from doctor_day") == 1
    await take_back(world, appointment)
    await relay_all(world)
    assert await world.db.fetchrow("select booked, cancelled from doctor_day") == (0, 0)


async def test_only_the_last_step_is_undone(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana, caller=world.nora)
    await step(world, appointment, "arrive", world.now)
    assert (await take_back(world, appointment)).status == "booked"
    assert (await take_back(world, appointment)).type == "nothing-to-undo"


async def test_bookings_by_programs_and_patients_and_holds_cannot_be_undone(world):
    for caller, hold in ((RECEPTION, False), (PATIENT, False), (world.nora, True)):
        appointment = await world.book(world.dr_shah, at(9), world.ana, caller=caller, hold=hold)
        assert (appointment.undo, (await take_back(world, appointment)).type) == (None, "nothing-to-undo")
        await cancel(world, appointment)


async def test_patients_do_not_see_a_booking_that_was_undone_before_any_message_about_it(world):
    async def visits() -> list[UUID]:
        found = await list_visits(world.db, customer_ids=[world.ana], wards=[], now=world.now, limit=10)
        return [visit.id for visit in found]

    appointment = await world.book(world.dr_shah, at(9), world.ana, caller=world.nora)
    assert await visits() == [appointment.id]
    await take_back(world, appointment)
    assert await visits() == []
    await world.db.execute("update appointment set created_at = created_at - interval '8 seconds'")
    assert await visits() == [appointment.id]
