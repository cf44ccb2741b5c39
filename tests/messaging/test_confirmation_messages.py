"""The message with the code, which is the only message that an unconfirmed address receives."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.booking.book import book
from appoint.booking.confirmation import repository
from appoint.booking.confirmation import service as confirmations
from appoint.booking.confirmation.model import code, link_token
from appoint.booking.confirmation.service import CodeEntry
from appoint.booking.model import AppointmentRequest
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.time_rules import BookingLimits
from appoint.kit.actors import Actor
from support.notifications import TOMORROW
from support.post import LINKS
from support.world import at

STRANGER = Actor("open:1")


@pytest.fixture
async def world(world):
    await world.set_clinic(world.clinic, confirm_address="always")
    await world.cache.drop(world.clinic)
    return world


async def hold(world, customer: UUID, *hours: int):
    """Book as a stranger and return the appointments."""
    requests = [
        AppointmentRequest(
            customer_id=customer,
            doctor_id=world.dr_shah,
            start_time=at(hour, day=TOMORROW),
            end_time=at(hour, 30, day=TOMORROW),
        )
        for hour in hours
    ]
    command = BookingCommand(
        world.clinic,
        [CustomerRequest(customer, request) for request in requests],
        STRANGER,
        timedelta(minutes=10),
        world.now,
        booker_id=customer,
        is_proven=False,
    )
    return (await book(world.db, world.cache, command)).booking.appointments


async def test_the_message_contains_the_code_and_link_but_nothing_that_the_stranger_wrote(world, office, post):
    await world.db.execute("update customer set name = 'Sign in at https://evil.example' where id = $1", world.ana)
    (appointment,) = await hold(world, world.ana, 9)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert message.to == "ana@example.org"
    assert code(LINKS.secret, appointment.booking_id, 1) in message.text
    assert code(LINKS.secret, appointment.booking_id, 1) in message.subject
    assert f"/confirm/{link_token(LINKS.secret, appointment.booking_id, 1)}" in message.text
    assert "evil" not in message.subject + message.text + (message.html or "")
    assert (message.calendar, message.unsubscribe_url) == (None, None)


async def test_an_unconfirmed_address_receives_nothing_else(world, office, post):
    (appointment,) = await hold(world, world.ana, 9)
    for minutes in range(12):
        await office.plan_and_send(world.now + timedelta(minutes=minutes))
        await office.remind(world.now + timedelta(minutes=minutes))
    assert [message.subject for message in post.messages] == [
        f"Confirm your appointment: {code(LINKS.secret, appointment.booking_id, 1)}"
    ]


async def test_the_code_goes_to_the_phone_of_a_customer_without_an_email_address(world, office, post):
    await world.db.execute("update customer set phone = '+4915112345678' where id = $1", world.ben)
    (appointment,) = await hold(world, world.ben, 9)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert (message.channel, message.to) == ("sms", "+4915112345678")
    assert re.findall(r"\b\d{6}\b", message.text) == [code(LINKS.secret, appointment.booking_id, 1)]


async def test_a_booking_of_several_appointments_sends_one_code(world, office, post):
    await hold(world, world.ana, 9, 10, 11)
    await office.plan_and_send(world.now)
    assert len(post.messages) == 1


async def test_the_code_is_sent_to_a_customer_who_has_turned_emails_off(world, office, post):
    await world.db.execute("insert into notification_preference values ($1, 'email', false)", world.ana)
    await hold(world, world.ana, 9)
    await office.plan_and_send(world.now)
    assert [message.channel for message in post.messages] == ["email"]


async def confirm(world, appointment, number: int = 1) -> None:
    await confirmations.confirm_booking(
        world.db,
        STRANGER,
        booking_id=appointment.booking_id,
        entry=CodeEntry(code("s", appointment.booking_id, number), "s"),
        limits=BookingLimits(20, 3),
        now=world.now,
    )


async def test_the_confirmation_follows_the_code_and_is_sent_once(world, office, post):
    (appointment,) = await hold(world, world.ana, 9)
    await office.plan_and_send(world.now)
    for _ in range(5):
        await confirm(world, appointment)
        await office.plan_and_send(world.now)
    assert [subject.partition(":")[0] for subject in post.subjects] == [
        "Confirm your appointment",
        "Appointment booked",
    ]


async def test_a_code_requested_again_is_sent_again_and_differs(world, office, post):
    (appointment,) = await hold(world, world.ana, 9)
    await office.plan_and_send(world.now)
    assert await repository.request_next_code(
        world.db, clinic_id=world.clinic, booking_id=appointment.booking_id, now=world.now
    )
    await office.plan_and_send(world.now)
    codes = [re.findall(r"\b\d{6}\b", message.text) for message in post.messages]
    assert codes == [[code(LINKS.secret, appointment.booking_id, number)] for number in (1, 2)]


async def test_a_code_that_is_no_longer_needed_is_not_sent(world, office, post):
    (appointment,) = await hold(world, world.ana, 9)
    await office.plan(world.now)
    await confirm(world, appointment)
    await office.send(world.now)
    assert post.messages == []


async def test_no_code_is_sent_after_the_hold_expires(world, office, post):
    await hold(world, world.ana, 9)
    await office.plan_and_send(world.now + timedelta(minutes=11))
    assert post.messages == []


async def test_no_code_goes_to_an_address_that_has_changed_since(world, office, post):
    await hold(world, world.ana, 9)
    await office.plan(world.now)
    await world.db.execute(
        "update customer set email = 'new@example.org', updated_at = clock_timestamp() + interval '1 minute'"
    )
    await office.send(world.now)
    assert post.messages == []
