"""Patients get a message when a clinic's staff have corrected their details."""

from appoint.customers import service as customers
from appoint.customers.model import PatientPatch
from appoint.kit.actors import Actor
from support.world import at

RECEPTIONIST = Actor("user:mia", operation="patchPatient")


async def correct(world, customer, **details):
    await world.db.within(world.clinic).atomic(
        customers.change_patient,
        RECEPTIONIST,
        clinic_id=world.clinic,
        customer_id=customer,
        patch=PatientPatch(**details),
        if_match=None,
        now=world.now,
    )


async def sent(world, office, post) -> list[tuple[str, str]]:
    await office.plan(world.now)
    await office.send(world.now)
    return sorted((message.to, message.channel) for message in post.messages)


async def make_patient(world, customer):
    await world.db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", customer)


async def test_a_corrected_email_address_is_announced_at_the_old_and_the_new_address(world, office, post):
    await make_patient(world, world.ana)
    await correct(world, world.ana, email="ana@example.com", birth_date=at(0).date())
    assert await sent(world, office, post) == [("ana@example.com", "email"), ("ana@example.org", "email")]
    for message in post.messages:
        assert "date of birth, email address" in message.text
        assert "Ana" not in message.text
        assert "@" not in message.text


async def test_a_corrected_phone_number_is_announced_by_text_if_there_is_no_email_address(world, office, post):
    await make_patient(world, world.ben)
    await correct(world, world.ben, phone="+493012345679")
    assert await sent(world, office, post) == [("+493012345678", "sms"), ("+493012345679", "sms")]


async def test_any_other_correction_is_announced_once_even_if_the_patient_wants_no_messages(world, office, post):
    await make_patient(world, world.ana)
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', false)", world.ana
    )
    await correct(world, world.ana, name="Anna", phone="+493012345670")
    assert await sent(world, office, post) == [("ana@example.org", "email")]


async def test_both_notices_go_out_even_if_the_details_change_again(world, office, post):
    await make_patient(world, world.ana)
    await correct(world, world.ana, email="ana@example.com")
    await office.plan(world.now)
    await correct(world, world.ana, email="ana@example.net")
    assert {address for address, _ in await sent(world, office, post)} == {
        "ana@example.org",
        "ana@example.com",
        "ana@example.net",
    }


async def test_a_clinics_messages_go_to_the_address_that_it_has_corrected(world, office, post):
    await make_patient(world, world.ana)
    await world.db.execute("update customer set email_confirmed_at = now() where id = $1", world.ana)
    await correct(world, world.ana, email="ana@example.com")
    await sent(world, office, post)
    post.messages.clear()
    await world.book(world.dr_shah, at(9), world.ana)
    assert await sent(world, office, post) == [("ana@example.com", "email")]
