"""Messages about staff's steps wait for eight seconds, and are not sent if staff undo the step."""

from datetime import timedelta

import pytest

from appoint.booking import transitions
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.booking.steps import UNDO_WINDOW
from appoint.booking.undo.service import undo
from appoint.kit.permissions import Role
from appoint.messaging.notifications import jobs
from support.callers import member
from support.notifications import NEXT_WEEK, move
from support.transitions import cancel, step
from support.world import PATIENT, RECEPTION, at

NINE, TEN, ELEVEN = (at(hour, day=NEXT_WEEK) for hour in (9, 10, 11))
ALMOST = UNDO_WINDOW - timedelta(microseconds=1)


@pytest.fixture
async def booked(world, office, post):
    """An appointment whose confirmation has been sent."""
    appointment = await world.book(world.dr_shah, NINE, world.ana)
    await office.plan_and_send(world.now)
    post.messages.clear()
    return appointment


async def take_back(world, appointment):
    return await world.db.atomic(undo, RECEPTION, appointment_id=appointment.id, now=world.now)


async def wait(world, office, time=UNDO_WINDOW):
    await office.plan(world.now)
    world.now += time
    await office.send(world.now)


async def test_messages_about_moves_and_cancellations_by_staff_wait_for_eight_seconds(world, office, post, booked):
    for change, subject in ((move(world, booked, TEN), "rescheduled"), (cancel(world, booked), "cancelled")):
        await change
        await wait(world, office, ALMOST)
        assert post.messages == []
        await wait(world, office)
        (message,) = post.messages
        assert message.subject.startswith(f"Appointment {subject}")
        post.messages.clear()


async def test_messages_about_a_patients_own_changes_do_not_wait(world, office, post, booked):
    to = RescheduleRequest(start_time=TEN)
    await reschedule(world.db, PATIENT, appointment_id=booked.id, to=to, if_match=None, now=world.now)
    await office.plan(world.now)
    await office.send(world.now)
    await world.db.atomic(
        transitions.cancel, PATIENT, appointment_id=booked.id, reason=None, if_match=None, now=world.now
    )
    await office.plan(world.now)
    await office.send(world.now)
    assert [message.subject.partition(":")[0] for message in post.messages] == [
        "Appointment rescheduled",
        "Appointment cancelled",
    ]


@pytest.mark.parametrize("relayed_between", [True, False])
@pytest.mark.parametrize("name", ["move", "cancel"])
async def test_an_undone_step_sends_nothing(world, office, post, booked, *, name, relayed_between):
    await (move(world, booked, TEN) if name == "move" else cancel(world, booked))
    if relayed_between:
        await wait(world, office, ALMOST)
    await take_back(world, booked)
    for _ in range(3):
        await wait(world, office)
    assert post.messages == []


async def test_an_undone_step_whose_undo_is_relayed_late_sends_nothing(world, office, post, booked):
    await cancel(world, booked)
    await office.plan(world.now)
    await take_back(world, booked)
    world.now += UNDO_WINDOW
    await office.send(world.now)  # the worker has not relayed the undo yet
    for _ in range(2):
        await wait(world, office)
    assert post.messages == []


async def test_a_step_undone_after_its_message_was_sent_sends_another(world, office, post, booked):
    await move(world, booked, TEN)
    await wait(world, office)
    await take_back(world, booked)
    await wait(world, office)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment rescheduled"] * 2
    assert ("10:00" in post.messages[1].text, "SEQUENCE:2" in post.messages[1].calendar) == (True, True)


async def test_a_step_undone_while_its_message_is_being_sent_counts_as_announced(world, office, post, booked):
    await cancel(world, booked)
    await office.plan(world.now)
    world.now += UNDO_WINDOW
    leased = await office.lease(world.now)
    await take_back(world, booked)
    await office.plan(world.now)
    for channel, attempt in leased:
        await jobs.send(world.db, office.sending, channel, attempt)
    await wait(world, office)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment booked"]


@pytest.mark.parametrize("name", ["move", "cancel"])
async def test_a_customer_who_was_not_told_of_the_booking_is_told_after_the_undo(world, office, post, name):
    appointment = await world.book(world.dr_shah, NINE, world.ana)
    await office.plan(world.now)
    await (move(world, appointment, TEN) if name == "move" else cancel(world, appointment))
    await office.plan(world.now)
    await take_back(world, appointment)
    for _ in range(2):
        await wait(world, office)
    (message,) = post.messages
    assert message.subject.startswith("Appointment booked")
    assert "10:00" in message.text  # nine o'clock UTC in Berlin


async def test_only_the_first_of_two_quick_moves_is_announced_if_the_second_is_undone(world, office, post, booked):
    await move(world, booked, TEN)
    await office.plan(world.now)
    await move(world, booked, ELEVEN)
    await office.plan(world.now)
    await take_back(world, booked)
    for _ in range(2):
        await wait(world, office)
    (message,) = post.messages
    assert ("11:00" in message.text, "10:00" in message.text, "12:00" in message.text) == (True, True, False)


async def test_an_undone_no_show_sends_nothing_within_the_window(world, office, post, booked):
    world.now = NINE + timedelta(minutes=5)
    await step(world, booked, "noShow")
    await wait(world, office, ALMOST)
    await take_back(world, booked)
    await wait(world, office)
    assert post.messages == []


async def test_a_reminder_that_was_sent_is_not_sent_again_after_an_undone_move(world, office, post, booked):
    world.now = NINE - timedelta(hours=24)
    await office.remind(world.now)
    await office.send(world.now)
    assert len(post.messages) == 1
    world.now += timedelta(minutes=2)
    await move(world, booked, TEN)
    await office.plan(world.now)
    await take_back(world, booked)
    await office.plan(world.now)
    world.now += timedelta(minutes=1)
    await office.remind(world.now)
    await office.send(world.now + timedelta(minutes=90))
    assert len(post.messages) == 1


async def test_a_booking_by_staff_is_confirmed_only_if_it_is_not_undone(world, office, post):
    nora = member("user:nora", world.clinic, Role.RECEPTIONIST)
    for undone, subjects in ((True, []), (False, ["Appointment booked"])):
        appointment = await world.book(world.dr_shah, NINE, world.ana, caller=nora)
        await wait(world, office, ALMOST)
        assert post.messages == []
        if undone:
            await take_back(world, appointment)
        await wait(world, office)
        assert [message.subject.partition(":")[0] for message in post.messages] == subjects


async def test_undoing_a_booking_after_its_confirmation_was_sent_sends_a_cancellation(world, office, post):
    nora = member("user:nora", world.clinic, Role.RECEPTIONIST)
    appointment = await world.book(world.dr_shah, NINE, world.ana, caller=nora)
    await wait(world, office)
    await take_back(world, appointment)
    await wait(world, office)
    assert [message.subject.partition(":")[0] for message in post.messages] == [
        "Appointment booked",
        "Appointment cancelled",
    ]
