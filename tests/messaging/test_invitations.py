"""Calendar entries in emails: organizers, attendees, and what they reveal."""

from email.utils import parseaddr

import pytest
from icalendar import Calendar

from appoint.messaging.channels.model import build_mail, sanitize
from support.notifications import NEXT_WEEK, move
from support.post import LINKS
from support.transitions import cancel
from support.world import at


def event_of(message):
    calendar = Calendar.from_ical(message.calendar)
    (event,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == message.calendar_method
    return event


async def confirmed(world, office):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    return appointment


async def test_the_organizer_is_the_emails_sender_and_replies_go_to_the_clinic(world, office, post):
    appointment = await confirmed(world, office)
    await move(world, appointment, at(10, day=NEXT_WEEK))
    await office.plan_and_send(world.now)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    assert [message.calendar_method for message in post.messages] == ["REQUEST", "REQUEST", "CANCEL"]
    for message in post.messages:
        mail, organizer = (
            build_mail(sanitize(message), sender=LINKS.mail_from, now=world.now),
            event_of(message)["ORGANIZER"],
        )
        name, address = parseaddr(str(mail["From"]))
        assert (organizer, organizer.params["CN"]) == (f"mailto:{address}", name)
        assert parseaddr(str(mail["Reply-To"])) == (name, "desk@lakeside.example")


@pytest.mark.parametrize("email", ["new@lakeside.example", None])
async def test_the_organizer_stays_the_same_when_the_clinics_address_changes(world, office, post, email):
    appointment = await confirmed(world, office)
    await world.set_clinic(world.clinic, email=email)
    await move(world, appointment, at(10, day=NEXT_WEEK))
    await office.plan_and_send(world.now)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    assert len({(event["UID"], event["ORGANIZER"]) for event in map(event_of, post.messages)}) == 1
    assert len(post.messages) == 3


async def test_a_patient_with_the_clinics_address_is_invited_by_the_platform(world, office, post):
    await world.db.execute("update customer set email = 'desk@lakeside.example' where id = $1", world.ana)
    await confirmed(world, office)
    event = event_of(post.messages[0])
    assert (event["ATTENDEE"], event["ORGANIZER"]) == ("mailto:desk@lakeside.example", f"mailto:{LINKS.mail_from}")


async def test_an_entry_for_the_senders_own_address_has_no_attendee(world, office, post):
    await world.db.execute("update customer set email = $2 where id = $1", world.ana, LINKS.mail_from.upper())
    appointment = await confirmed(world, office)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    assert [message.calendar_method for message in post.messages] == ["PUBLISH", "CANCEL"]
    assert ["ATTENDEE" in event_of(message) for message in post.messages] == [False, False]


async def test_the_entry_contains_neither_the_patients_name_nor_an_unsubscribe_link(world, office, post):
    appointment = await confirmed(world, office)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    booked, cancelled = map(event_of, post.messages)
    link = f"{LINKS.public_url}/appointments/"
    assert link in booked["DESCRIPTION"]
    assert "Anyone who has this link can cancel your appointment" in booked["DESCRIPTION"]
    assert not {"Ana", "unsubscribe"} & set(booked["DESCRIPTION"].replace("/", " ").split())
    assert booked["DESCRIPTION"].splitlines()[0].startswith("Monday, 8 March 2027, 10:00–10:30")
    assert str(booked["URL"]).startswith(link)
    assert not {"DESCRIPTION", "URL"} & set(cancelled)
    assert not booked.subcomponents  # the attendee's calendar decides about alarms
    assert "/unsubscribe/" in post.messages[0].text


async def test_unusual_names_produce_a_valid_file(world, office, post):
    name = 'Praxis "Am See"; Dr. Müller, Söhne & Co.'
    await world.set_clinic(world.clinic, name=name, address="Haus 1\nSeestraße 12; Hof\n13353 Berlin\nDeutschland")
    await world.db.execute("update doctor set name = $1", "Dr. 🩺" + "ä" * 190)
    await world.db.execute("update customer set name = $1", 'O\'Brien; "Bobby", \\N')
    appointment = await confirmed(world, office)
    await cancel(world, appointment)
    await office.plan_and_send(world.now)
    for message in post.messages:
        event = event_of(message)
        assert (event["ORGANIZER"].params["CN"], event["ATTENDEE"].params["CN"]) == (name, 'O\'Brien; "Bobby", /N')
        assert event["LOCATION"] == f"{name}, Haus 1, Seestraße 12; Hof, 13353 Berlin, Deutschland"
        lines = message.calendar.encode().split(b"\r\n")
        assert max(map(len, lines)) <= 75
        assert all(line.decode() for line in lines[:-1])  # no character is split
        mail = build_mail(sanitize(message), sender=LINKS.mail_from, now=world.now)
        (part,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
        assert part["Content-Type"].params["method"] == message.calendar_method


async def test_the_email_says_that_declining_the_invitation_does_not_cancel(world, office, post):
    await confirmed(world, office)
    assert "Declining the invitation in your calendar does not cancel an appointment." in post.messages[0].text
