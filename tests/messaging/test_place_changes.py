"""Patients learn when their appointments are to take place online, or in person instead."""

from datetime import timedelta

import pytest

from appoint.booking.steps import UNDO_WINDOW
from appoint.clinics.appointment_types import service
from appoint.clinics.appointment_types.model import AppointmentTypePatch
from appoint.kit.i18n import LANGUAGES
from appoint.messaging.notifications import place_changes
from appoint.messaging.templates.model import TemplateKey
from appoint.messaging.templates.plain import plain_text
from support.calls import book_online
from support.notifications import TOMORROW
from support.world import RECEPTION, at


@pytest.fixture
async def booked(world, office, post):
    """An online appointment whose confirmation has been sent."""
    office.sending = office.sending._replace(default_gateway="demo")
    appointment = await book_online(world, at(9, day=TOMORROW))
    await office.plan_and_send(world.now)
    post.messages.clear()
    return appointment


async def set_mode(world, appointment, mode):
    type_id = appointment.appointment_type_id
    change = AppointmentTypePatch(mode=mode)
    await world.db.atomic(service.change, RECEPTION, id=type_id, change=change, if_match=None)


async def wait(world, office, time=UNDO_WINDOW):
    await office.plan(world.now)
    world.now += time
    await office.send(world.now)


async def test_patients_learn_where_their_appointment_takes_place_now(world, office, post, booked):
    sent = []
    for mode in ("inPerson", "online"):
        await set_mode(world, booked, mode)
        await wait(world, office)
        (message,) = post.messages
        sent.append((message.subject.partition(":")[0], message.text, message.calendar.replace("\r\n ", "")))
        post.messages.clear()
    (in_person, in_person_text, in_person_entry), (online, online_text, online_entry) = sent
    assert (in_person, online) == ("Your appointment is now in person", "Your appointment is now online")
    assert "in person instead of online. Please come to the clinic." in in_person_text
    assert ("/join/" in in_person_text, "/join/" in in_person_entry) == (False, False)
    assert "online instead of in person" in online_text
    assert ("/join/" in online_text, "/join/" in online_entry) == (True, True)
    for text in (in_person_text, online_text):
        assert "With: Dr Shah" in text, text
        assert "/appointments/" in text, text


async def test_a_change_that_is_undone_in_time_is_not_announced(world, office, post, booked):
    await set_mode(world, booked, "inPerson")
    await wait(world, office, UNDO_WINDOW - timedelta(seconds=1))
    assert post.messages == []
    await set_mode(world, booked, "online")
    await wait(world, office)
    await wait(world, office, timedelta(hours=1))
    assert post.messages == []


async def test_a_change_back_after_the_message_is_announced_too(world, office, post, booked):
    await set_mode(world, booked, "inPerson")
    await wait(world, office)
    await set_mode(world, booked, "online")
    await wait(world, office)
    assert [message.subject.partition(":")[0] for message in post.messages] == [
        "Your appointment is now in person",
        "Your appointment is now online",
    ]


async def test_other_changes_to_a_type_are_not_announced(world, office, post, booked):
    change = AppointmentTypePatch(name="Video consultation", mode="online")
    await world.db.atomic(service.change, RECEPTION, id=booked.appointment_type_id, change=change, if_match=None)
    await wait(world, office)
    assert post.messages == []


async def test_only_booked_appointments_that_have_not_started_are_affected(world, office, post, booked):
    later = await book_online(world, at(10, day=TOMORROW), customer=world.ben)
    await office.plan_and_send(world.now)
    post.messages.clear()
    world.now = booked.start_time
    place = {"clinic_id": world.clinic, "type_id": booked.appointment_type_id, "now": world.now}
    assert await place_changes.count_upcoming(world.db, **place) == 1
    await set_mode(world, booked, "inPerson")
    await wait(world, office)
    assert [message.customer_id for message in post.messages] == [later.customer_id]


async def test_patients_whose_confirmation_has_yet_to_be_sent_get_only_that(world, office, post):
    office.sending = office.sending._replace(default_gateway="demo")
    appointment = await book_online(world, at(9, day=TOMORROW))
    await office.plan(world.now)
    await set_mode(world, appointment, "inPerson")
    await wait(world, office)
    (message,) = post.messages
    assert ("Your appointment is booked" in message.text, "/join/" in message.text) == (True, False)


async def test_a_patient_with_two_appointments_gets_one_message(world, office, post, booked):
    await book_online(world, at(11, day=TOMORROW))
    await office.plan_and_send(world.now)
    post.messages.clear()
    await set_mode(world, booked, "inPerson")
    await wait(world, office)
    (message,) = post.messages
    assert message.subject.startswith("2 appointments are now in person, the first on")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_patients_with_only_a_phone_get_a_text_message(world, office, post, booked, language):
    await world.db.execute(
        "update customer set email = null, phone = '+4915112345678', locale = $2 where id = $1", world.ana, language
    )
    for mode in ("inPerson", "online"):
        await set_mode(world, booked, mode)
        await wait(world, office)
    (in_person, online) = (message.text for message in post.messages)
    assert ("/join/" in in_person, "/join/" in online) == (False, True)
    assert "/a/" in in_person


async def test_patients_who_turned_off_all_messages_are_told_too(world, office, post, booked):
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', false)", world.ana
    )
    await set_mode(world, booked, "inPerson")
    await wait(world, office)
    assert len(post.messages) == 1


async def test_relaying_the_event_again_announces_it_once(world, office, post, booked):
    await set_mode(world, booked, "inPerson")
    await office.plan(world.now)
    await world.db.execute(
        """
        with relayed as (
          delete from event_log where type = 'appointment-type.changed'
          returning clinic_id, id, type, subject_id, subject_version, data
        )
        insert into event (clinic_id, id, type, subject_id, subject_version, data) select * from relayed
        """
    )
    await wait(world, office)
    assert len(post.messages) == 1


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_the_text_that_managers_start_with_fits_both_places(channel):
    text = plain_text(TemplateKey("place-changed", channel, "en"))
    for each in (text.subject or "", text.text):
        assert "in person" not in each, each
        assert "online instead" not in each, each
    assert "{{ where }}" in text.text
