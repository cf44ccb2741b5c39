"""Calendar entries for video visits lead to the page where the patient joins them."""

from datetime import date, timedelta

import msgspec
import pytest
from icalendar import Calendar

from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.booking.time_rules import Override
from appoint.calls.joining import links
from appoint.calls.joining import service as joining
from appoint.calls.rooms.repository import reconcile
from appoint.calls.settings import repository as settings
from appoint.kit.i18n import LANGUAGES, translate
from appoint.messaging.notifications.gateway import _with_call_link
from appoint.messaging.notifications.repository import contents
from appoint.messaging.templates.model import MessageFacts, TemplateKey
from appoint.messaging.templates.rendering import render
from support.calls import FaultyProvider, book_online, maker_of, run_jobs
from support.notifications import TOMORROW
from support.post import LINKS
from support.world import RECEPTION, at


@pytest.mark.parametrize("has_provider", [True, False])
async def test_an_invitation_leads_to_the_join_page_if_the_clinic_has_video_visits(world, office, post, has_provider):
    appointment = await book_online(world, at(9, day=TOMORROW))
    office.sending = office.sending._replace(default_gateway="demo" if has_provider else None)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    calendar = message.calendar.replace("\r\n ", "")
    link = f"https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}"
    assert (link in calendar, "CONFERENCE;" in calendar) == (has_provider, has_provider)
    assert "/join/" not in message.subject
    assert (f"Join the video visit: {link}" in message.text, f'href="{link}"' in message.html) == (
        has_provider,
        has_provider,
    )


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_the_join_link_is_sent_until_the_visit_ends(world, office, post, channel):
    if channel == "sms":
        await world.db.execute("update customer set email = null, phone = '+4915112345678' where id = $1", world.ana)
    sent: dict[int, list[bool]] = {}
    for hour, minute in enumerate((-1, 0, 10, 29, 30), start=9):
        world.now = at(7)
        appointment = await book_online(world, at(hour, day=TOMORROW))
        link = f"https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}"
        post.messages.clear()
        world.now = at(hour, day=TOMORROW) + timedelta(minutes=minute)
        await office.plan_and_send(world.now)
        sent[minute] = [link in message.text for message in post.messages]
    assert sent == {-1: [True], 0: [True], 10: [True], 29: [True], 30: []}


async def test_messages_about_visits_at_the_clinic_are_not_sent_once_they_have_begun(world, office, post):
    await world.book(world.dr_shah, at(9, day=TOMORROW), world.ana)
    world.now = at(9, 1, day=TOMORROW)
    await office.plan_and_send(world.now)
    assert post.messages == []


async def test_a_move_to_a_time_that_has_begun_sends_the_join_link(world, office, post):
    appointment = await book_online(world, at(11, day=TOMORROW))
    await office.plan_and_send(world.now)
    world.now = at(9, 5, day=TOMORROW)
    to = RescheduleRequest(start_time=at(9, day=TOMORROW), override=Override(allow=["too-soon"], reason="Here early"))
    await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    await office.plan_and_send(world.now)
    link = f"https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}"
    assert [link in message.text for message in post.messages] == [True, True]


async def test_a_reminder_that_is_late_is_sent_until_the_visit_ends(world, office, post):
    appointment = await book_online(world, at(9, day=TOMORROW))
    await world.db.execute("update appointment set created_at = created_at - interval '3 days'")
    world.now = at(8, 30, day=TOMORROW)
    assert await office.remind(world.now) == 1
    world.now = at(9, 10, day=TOMORROW)
    await office.send(world.now)
    link = f"https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}"
    assert [link in message.text for message in post.messages] == [True]


async def test_the_join_link_stays_the_same_when_the_visit_is_rescheduled(world, office, post):
    appointment = await book_online(world, at(9, day=TOMORROW))
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await office.plan_and_send(world.now)
    to = RescheduleRequest(start_time=at(10, day=TOMORROW))
    await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await office.plan_and_send(world.now + timedelta(minutes=5))
    link = f"https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}"
    assert [link in message.text for message in post.messages] == [True, True]


async def test_a_confirmation_leaves_on_time_while_the_provider_is_down(world, office, post):
    appointment = await book_online(world, at(9, day=TOMORROW))
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    booked_at = world.now
    await run_jobs(world, maker_of(world, FaultyProvider(failure_rate=1.0)))
    await office.plan_and_send(booked_at)
    (message,) = post.messages
    assert f"/join/{links.code(LINKS.secret, appointment.id)}" in message.text


async def test_a_text_message_contains_the_join_link(world, office, post):
    appointment = await book_online(world, at(9, day=TOMORROW))
    await world.db.execute(
        "update customer set email = null, email_confirmed_at = null, phone = '+4915112345678' where id = $1", world.ana
    )
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    assert f"Video visit: https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}" in message.text


async def test_the_doctors_agenda_links_to_the_page_where_they_let_the_patient_in(world):
    appointment = await book_online(world, at(9, day=TOMORROW))
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    day = (TOMORROW - date(2000, 1, 1)).days
    (listed,) = await contents.list_appointments_of_day(
        world.db, clinic_id=world.clinic, doctor_id=world.dr_shah, day=day
    )
    linked = _with_call_link(listed, world.clinic, LINKS)
    facts = MessageFacts(clinic="Lakeside", time_zone="Europe/Berlin", doctor="Dr Shah", appointments=[linked])
    facts = msgspec.structs.replace(facts, start_time=at(9, day=TOMORROW))
    text = render(TemplateKey("agenda", "email", "en"), facts).text
    assert f"https://appoint.example/staff/{world.clinic}/appointments/{appointment.id}/call" in text


async def test_the_doctor_and_the_clinic_are_told_about_a_visit_without_a_room(world, office, post):
    await world.db.execute("update doctor set email = 'shah@example.org'")
    appointment = await book_online(world, at(9, day=TOMORROW))
    world.now = at(8, 30, day=TOMORROW)
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await run_jobs(world, maker_of(world, FaultyProvider(failure_rate=1.0)), for_hours=0.4)
    await office.plan_and_send(world.now)
    messages = {message.to: message for message in post.messages if "no room" in message.subject}
    assert set(messages) == {"desk@lakeside.example", "shah@example.org"}
    for message in messages.values():
        assert f"https://appoint.example/staff/{world.clinic}/appointments/{appointment.id}/call" in message.text
        assert "Ana" not in message.text


async def test_a_retry_that_fails_is_reported_as_well(world, office, post):
    await world.db.execute("update doctor set email = 'shah@example.org'")
    appointment = await book_online(world, at(9, day=TOMORROW))
    world.now = at(8, 20, day=TOMORROW)
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    maker = maker_of(world, FaultyProvider(failure_rate=1.0))
    await run_jobs(world, maker, for_hours=0.6)
    await office.plan_and_send(world.now)
    await world.db.atomic(
        joining.renew, RECEPTION, appointment_id=appointment.id, default_gateway="demo", now=world.now
    )
    await run_jobs(world, maker, for_hours=0.1)
    await office.plan_and_send(world.now)
    recipients = sorted(message.to for message in post.messages if "no room" in message.subject)
    assert recipients == ["desk@lakeside.example"] * 2 + ["shah@example.org"] * 2


@pytest.mark.parametrize("language", LANGUAGES)
async def test_patients_learn_when_the_waiting_room_opens_and_how_to_prepare(world, office, post, language):
    await world.db.execute("update customer set locale = $1", language)
    appointment = await book_online(world, at(9, day=TOMORROW))
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await settings.save(
        world.db, clinic_id=world.clinic, gateway="demo", connection=None, opens_before_minutes=25, phone=None
    )
    await office.plan_and_send(world.now)
    (message,) = post.messages
    text = (
        "The waiting room opens {opens_before} minutes before the start. Before you join, find a quiet place, and "
        "check that your camera and microphone work."
    )
    assert translate(language, text, opens_before=25) in message.text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_calendar_shows_a_video_visit_and_where_to_join_it(world, office, post, language):
    await world.db.execute("update customer set locale = $1", language)
    appointment = await book_online(world, at(9, day=TOMORROW))
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await office.plan_and_send(world.now)
    (message,) = post.messages
    (event,) = Calendar.from_ical(message.calendar).events
    conference = event["CONFERENCE"]
    assert (str(conference), dict(conference.params)) == (
        f"https://appoint.example/join/{links.code(LINKS.secret, appointment.id)}",
        {"VALUE": "URI", "FEATURE": "VIDEO", "LABEL": translate(language, "Video visit")},
    )
    assert str(event["LOCATION"]) == translate(language, "Video visit")
    assert not event.alarms.times  # an invitation leaves that to the attendee's calendar
