"""Patients get a message when someone can book for them, and when this ends, even if they don't want any messages."""

from datetime import timedelta

import pytest

from appoint.customers.guardians import jobs, service
from appoint.customers.guardians.model import NewGuardian
from appoint.kit.actors import Actor
from support.audit import unsealed

RECEPTIONIST = Actor("user:mia", operation="addGuardian")


async def grant(world, *, ward) -> service.Guardianship:
    """Let Cy book for a patient, at their clinic."""
    world.cy = await world.add_customer("Cy Okafor")
    for customer in (world.cy, ward):
        await world.db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", customer)
    return await world.db.atomic(
        service.grant,
        RECEPTIONIST,
        clinic_id=world.clinic,
        ward_id=ward,
        content=NewGuardian(guardian_id=world.cy),
        now=world.now,
    )


async def messages(world, office, post):
    post.messages.clear()
    await office.plan(world.now)
    await office.send(world.now)
    return [(message.to, message.channel) for message in post.messages]


async def test_the_message_to_an_adult_says_who_can_book_until_when_and_how_to_end_it(world, office, post):
    guardianship = await grant(world, ward=world.ana)
    assert await messages(world, office, post) == [("ana@example.org", "email")]
    (message,) = post.messages
    assert message.subject == "Someone can now book for you at Lakeside"
    for part in (
        "Cy Okafor can now book, reschedule and cancel appointments for you at Lakeside",
        f"until {guardianship.ends_on:%A}, {guardianship.ends_on.day} {guardianship.ends_on:%B %Y}",
        "The clinic’s staff set this up.",
        "“Stop Cy Okafor from booking”",
        "https://appoint.example/my/people",
    ):
        assert part in message.text
    assert await messages(world, office, post) == []


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("de", "„Cy Okafor nicht mehr buchen lassen“"),
        ("es", "«Retirar permiso a Cy Okafor»"),
        ("fr", "«\N{NO-BREAK SPACE}Ne plus autoriser Cy Okafor à réserver\N{NO-BREAK SPACE}»"),
    ],
)
async def test_the_message_is_in_the_patients_language(world, office, post, locale, words):
    await world.db.execute("update customer set locale = $1 where id = $2", locale, world.ana)
    await grant(world, ward=world.ana)
    await messages(world, office, post)
    assert words in post.messages[0].text


async def test_a_patient_without_an_email_address_gets_a_text_message(world, office, post):
    await grant(world, ward=world.ben)
    assert await messages(world, office, post) == [("+493012345678", "sms")]
    assert "end it here: https://appoint.example/my/people" in post.messages[0].text


async def test_the_message_goes_to_the_patients_own_address_and_not_to_the_one_that_staff_entered(world, office, post):
    await grant(world, ward=world.ana)
    await world.db.execute("update patient set corrected_email = 'eve@example.org' where customer_id = $1", world.ana)
    assert await messages(world, office, post) == [("ana@example.org", "email")]


async def test_patients_who_want_no_messages_get_this_one_anyway(world, office, post):
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', false)", world.ana
    )
    await grant(world, ward=world.ana)
    assert await messages(world, office, post) == [("ana@example.org", "email")]


async def test_a_patient_gets_a_message_when_the_clinic_ends_it(world, office, post):
    guardianship = await grant(world, ward=world.ana)
    await messages(world, office, post)
    await world.db.atomic(
        service.revoke,
        RECEPTIONIST,
        clinic_id=world.clinic,
        ward_id=world.ana,
        guardianship_id=guardianship.id,
        now=world.now,
    )
    assert await messages(world, office, post) == [("ana@example.org", "email")]
    assert "Cy Okafor can no longer book" in post.messages[0].text


async def test_after_the_last_day_the_patient_gets_a_message_and_the_guardians_links_end(world, office, post):
    guardianship = await grant(world, ward=world.ana)
    await messages(world, office, post)
    await jobs.end_expired(world.db, now=world.now)
    assert await messages(world, office, post) == []
    world.now += timedelta(days=366)
    await jobs.end_expired(world.db, now=world.now)
    await jobs.end_expired(world.db, now=world.now)
    assert await messages(world, office, post) == [("ana@example.org", "email")]
    ended = [entry for entry in await unsealed(world.db) if entry["action"] == "endGuardianship"]
    assert [(entry["clinic_id"], entry["subjects"][0]) for entry in ended] == [(1, str(guardianship.id))]


async def test_the_clinics_audit_log_also_shows_that_a_guardian_has_ended_it(world, office, post):
    guardianship = await grant(world, ward=world.ana)
    guardian = Actor(f"patient:{world.cy}", customer_id=world.cy, operation="endGuardianship")
    await world.db.atomic(
        service.end_own, guardian, guardianship_id=guardianship.id, customer_id=world.cy, now=world.now
    )
    ended = [entry["clinic_id"] for entry in await unsealed(world.db) if entry["action"] == "endGuardianship"]
    assert sorted(ended) == [0, 1]


async def test_nothing_is_sent_about_a_guardian_who_has_been_erased(world, office, post):
    await grant(world, ward=world.ana)
    await office.plan(world.now)
    await world.db.execute("delete from guardianship")
    await office.send(world.now)
    assert post.messages == []
