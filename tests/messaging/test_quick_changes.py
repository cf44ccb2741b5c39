"""Messages about appointments that change before the previous message has gone out."""

from datetime import timedelta

import pytest

from appoint.booking.steps import UNDO_WINDOW
from appoint.booking.undo.service import undo
from appoint.messaging.notifications import jobs
from support.notifications import NEXT_WEEK, move, statuses
from support.transitions import cancel, step
from support.world import RECEPTION, at

NINE, TEN, ELEVEN = (at(hour, day=NEXT_WEEK) for hour in (9, 10, 11))


@pytest.fixture
async def booked(world):
    return await world.book(world.dr_shah, NINE, world.ana)


async def send_later(world, office, minutes):
    world.now += timedelta(minutes=minutes)
    await office.plan_and_send(world.now)


@pytest.mark.parametrize("relayed_before", [True, False])
async def test_an_appointment_moved_before_its_confirmation_is_confirmed_at_its_new_time(
    world, office, post, booked, relayed_before
):
    if relayed_before:
        await office.plan(world.now)
    await move(world, booked, TEN)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert message.subject.startswith("Appointment booked")
    assert ("11:00" in message.text, "10:00" in message.text) == (True, False)
    assert "SEQUENCE:1" in message.calendar


async def test_an_appointment_moved_twice_before_its_confirmation_is_confirmed_once(world, office, post, booked):
    await office.plan(world.now)
    await move(world, booked, TEN)
    await office.plan(world.now)
    await move(world, booked, ELEVEN)
    await office.plan_and_send(world.now)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment booked"]


@pytest.mark.parametrize("relayed_between", [True, False])
async def test_the_message_about_a_second_move_mentions_the_last_announced_time(
    world, office, post, booked, relayed_between
):
    await office.plan_and_send(world.now)
    await move(world, booked, TEN)
    if relayed_between:
        await office.plan(world.now)
    await move(world, booked, ELEVEN)
    await office.plan_and_send(world.now)
    (_, message) = post.messages
    assert message.subject.startswith("Appointment rescheduled")
    assert ("12:00" in message.text, "10:00" in message.text, "11:00" in message.text) == (True, True, False)


async def test_an_appointment_moved_while_its_confirmation_is_being_sent_is_reported_as_moved(
    world, office, post, booked
):
    await office.plan(world.now)
    leased = await office.lease(world.now)
    await move(world, booked, TEN)
    await office.plan(world.now)
    for channel, attempt in leased:
        await jobs.send(world.db, office.sending, channel, attempt)
    await office.send(world.now + UNDO_WINDOW)
    assert "moved sent" in await statuses(world.db)


async def test_events_relayed_twice_together_announce_a_new_time_once(world, office, post, booked):
    await office.plan_and_send(world.now)
    await move(world, booked, TEN)
    await office.plan_and_send(world.now)
    await world.db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, type, subject_id, subject_version, data from event_log order by id
        """
    )
    await office.plan_and_send(world.now)
    assert len(post.messages) == 2


@pytest.mark.parametrize("relayed_before", [True, False])
async def test_a_warning_is_still_sent_for_a_moved_hold(world, office, post, relayed_before):
    hold = await world.book(world.dr_shah, NINE, world.ana, hold=True)
    if relayed_before:
        await office.plan(world.now)
    await move(world, hold, TEN)
    await office.plan_and_send(world.now)
    assert post.messages == []
    await send_later(world, office, 7)
    (message,) = post.messages
    assert ("11:00" in message.text, "10:00" in message.text) == (True, False)


async def test_a_hold_moved_and_then_confirmed_is_only_confirmed(world, office, post):
    hold = await world.book(world.dr_shah, NINE, world.ana, hold=True)
    await office.plan(world.now)
    await move(world, hold, TEN)
    await step(world, hold, "confirm")
    await office.plan_and_send(world.now)
    await send_later(world, office, 7)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment booked"]


async def test_an_undone_cancellation_is_confirmed_with_a_new_invitation(world, office, post, booked):
    await office.plan_and_send(world.now)
    await cancel(world, booked)
    await office.plan_and_send(world.now)
    await world.db.atomic(undo, RECEPTION, appointment_id=booked.id, now=world.now)
    await office.plan_and_send(world.now)
    assert [(message.subject.partition(":")[0], message.calendar_method) for message in post.messages] == [
        ("Appointment booked", "REQUEST"),
        ("Appointment cancelled", "CANCEL"),
        ("Appointment booked", "REQUEST"),
    ]
    assert "SEQUENCE:2" in post.messages[2].calendar


async def test_an_undone_no_show_is_not_reported(world, office, post, booked):
    await office.plan_and_send(world.now)
    world.now = NINE + timedelta(minutes=5)
    await step(world, booked, "noShow")
    await office.plan(world.now)
    await world.db.atomic(undo, RECEPTION, appointment_id=booked.id, now=world.now)
    await office.plan_and_send(world.now)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment booked"]


@pytest.mark.parametrize("relayed_between", [True, False])
async def test_a_booking_that_the_clinic_cancels_at_once_is_not_kept_from_the_patient(
    world, office, post, booked, relayed_between
):
    """Otherwise a doctor could book a colleague's patient, open the record and cancel without anyone noticing."""
    if relayed_between:
        await office.plan(world.now)
    await cancel(world, booked)
    await send_later(world, office, 1)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment cancelled"]
