"""Calendar entries for video visits lead to the page where the patient joins them."""

from datetime import date, timedelta

import msgspec
import pytest

from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.calls.joining import links
from appoint.calls.rooms.repository import reconcile
from appoint.messaging.notifications.gateway import _with_call_link
from appoint.messaging.notifications.repository import contents
from appoint.messaging.templates.model import Facts, TemplateKey
from appoint.messaging.templates.rendering import render
from support.calls import FaultyProvider, book_online, maker_of, run_jobs
from support.notifications import TOMORROW
from support.post import LINKS
from support.world import RECEPTION, at


@pytest.mark.parametrize("has_provider", [True, False])
async def test_an_invitation_leads_to_the_join_page_if_there_is_a_call(world, office, post, has_provider):
    appointment = await book_online(world, at(9, day=TOMORROW))
    gateway = "demo" if has_provider else None
    await reconcile(world.db, [(world.clinic, appointment.id)], default_gateway=gateway, now=world.now)
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
    facts = Facts(clinic="Lakeside", time_zone="Europe/Berlin", doctor="Dr Shah", appointments=[linked])
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
