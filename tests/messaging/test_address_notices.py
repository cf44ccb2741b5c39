"""When a patient replaces or removes an address, the old one receives a message about the change."""

from datetime import timedelta

from appoint.customers import addresses
from appoint.customers import service as customers
from appoint.customers.model import CustomerPatch
from appoint.kit.actors import Actor


async def change(world, customer, **details):
    await world.db.atomic(
        customers.change,
        Actor(f"patient:{customer}", customer_id=customer, operation="changeOwnDetails"),
        customer_id=customer,
        change=CustomerPatch(**details),
        if_match=None,
        now=world.now,
        address_proven=True,
    )


async def messages(world, office, post):
    await office.plan(world.now)
    await office.send(world.now)
    return sorted((message.to, message.channel) for message in post.messages)


async def test_the_old_email_address_gets_one_message_about_the_new_one(world, office, post):
    await change(world, world.ana, email="eve@example.org")
    await change(world, world.ana, name="Ana Souza")
    assert await messages(world, office, post) == [("ana@example.org", "email")]
    (message,) = post.messages
    assert message.subject == "Your email address was changed"
    assert "If not, someone else may be using your account" in message.text
    assert "eve" not in message.text


async def test_a_removed_phone_number_gets_a_text_message_even_if_the_patient_wants_none(world, office, post):
    await world.db.execute(
        "insert into notification_preference (customer_id, channel, wanted) values ($1, 'sms', false)", world.ben
    )
    await change(world, world.ben, email="ben@example.org", phone=None)
    assert await messages(world, office, post) == [("+493012345678", "sms")]
    assert "replaced or removed in your patient details" in post.messages[0].text


async def test_each_old_address_gets_a_message(world, office, post):
    await change(world, world.ana, email="eve@example.org", phone="+493012345670")
    await change(world, world.ana, email="max@example.org", phone=None)
    assert await messages(world, office, post) == [
        ("+493012345670", "sms"),
        ("ana@example.org", "email"),
        ("eve@example.org", "email"),
    ]


async def test_spelling_an_address_differently_does_not_send_a_message(world, office, post):
    await change(world, world.ana, email="Ana@Example.org")
    assert await messages(world, office, post) == []


async def test_the_message_is_in_the_patients_language(world, office, post):
    await world.db.execute("update customer set locale = 'de' where id = $1", world.ana)
    await change(world, world.ana, email="eve@example.org")
    await messages(world, office, post)
    assert post.subjects == ["Ihre E-Mail-Adresse wurde geändert"]


async def test_old_addresses_are_deleted_after_a_while(world):
    await change(world, world.ana, email="eve@example.org")
    await addresses.delete_old_changes(world.db, before=world.now - timedelta(days=30))
    assert await world.db.fetchval("select count(*) from address_change") == 1
    await addresses.delete_old_changes(world.db, before=world.now + timedelta(days=1))
    assert await world.db.fetchval("select count(*) from address_change") == 0
