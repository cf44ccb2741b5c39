"""Links that let patients choose a new time for an appointment that needs rebooking."""

from datetime import timedelta

import pytest

from appoint.booking.bulk import service as bulk
from appoint.booking.bulk.model import AskToRebook, SelectedAppointment
from appoint.booking.steps import UNDO_WINDOW
from appoint.booking.undo.service import undo
from support.notifications import NEXT_WEEK, move, statuses
from support.world import RECEPTION, at

NINE, TEN = at(9, day=NEXT_WEEK), at(10, day=NEXT_WEEK)


@pytest.fixture
async def stranded(world, office, post):
    """An appointment outside its doctor's hours, whose confirmation has been sent."""
    appointment = await world.book(world.dr_shah, NINE, world.ana)
    await world.db.execute("update appointment set needs_rebooking = true")
    await office.plan_and_send(world.now)
    post.messages.clear()
    return appointment


async def ask(world, appointment, by="link"):
    request = AskToRebook(appointments=[SelectedAppointment(id=appointment.id)], by=by)
    return await bulk.ask_to_rebook(
        world.db.within(world.clinic),
        RECEPTION,
        clinic_id=world.clinic,
        request=request,
        own_doctor_id=None,
        now=world.now,
    )


async def test_the_link_opens_the_page_to_choose_a_time(world, office, post, stranded):
    await ask(world, stranded)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert message.subject.startswith("Please choose a new time")
    assert "/move\n" in message.text


async def test_patients_on_the_call_list_receive_no_message(world, office, post, stranded):
    await ask(world, stranded, "phone")
    await office.plan_and_send(world.now)
    assert post.messages == []


async def test_an_undone_request_sends_nothing_and_can_be_repeated(world, office, post, stranded):
    await ask(world, stranded)
    await office.plan(world.now)
    await world.db.atomic(undo, RECEPTION, appointment_id=stranded.id, now=world.now)
    await office.plan_and_send(world.now)
    assert post.messages == []
    world.now += timedelta(minutes=1)
    await ask(world, stranded)
    await office.plan_and_send(world.now)
    assert len(post.messages) == 1


async def test_the_link_is_not_sent_once_the_appointment_has_moved(world, office, post, stranded):
    await ask(world, stranded)
    await office.plan(world.now)
    await move(world, stranded, TEN)
    world.now += UNDO_WINDOW
    await office.plan_and_send(world.now)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment rescheduled"]
    assert "rebook-2 superseded" in await statuses(world.db)
