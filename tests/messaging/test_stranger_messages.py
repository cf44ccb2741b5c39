"""Messages about appointments that strangers booked."""

from datetime import timedelta

import pytest

from appoint.booking import transitions
from appoint.booking.holds import expire_holds
from appoint.kit.actors import Actor
from appoint.messaging.notifications.rules import MAX_MESSAGES_A_DAY
from support.post import Office

SENT_EARLIER = """
    insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, status,
                              due_at, expires_at, sent_at, attempts)
    select $1, mint_id($1), 'missed', gen_random_uuid()::text, 0, 'customer', $2, 'email', 'sent', now(),
           now() + interval '1 day', now() - $4::interval, 1
      from generate_series(1, $3)
"""


@pytest.mark.parametrize(
    ("by_stranger", "earlier", "status"),
    [
        (True, (MAX_MESSAGES_A_DAY, timedelta(hours=1)), "dead"),
        (True, (MAX_MESSAGES_A_DAY - 1, timedelta(hours=1)), "sent"),
        (True, (MAX_MESSAGES_A_DAY, timedelta(hours=25)), "sent"),
        (False, (MAX_MESSAGES_A_DAY, timedelta(hours=1)), "sent"),
    ],
)
async def test_an_address_receives_only_a_limited_number_of_messages_a_day(world, post, by_stranger, earlier, status):
    other = await world.add_customer("Someone else")  # with the same address
    await world.db.execute("update customer set email = 'ANA@example.org' where id = $1", other)
    await world.db.execute("update customer set email = 'ana@example.org' where id = $1", world.ana)
    booked = await world.book(world.dr_shah, world.now.replace(hour=9), world.ana)
    if by_stranger:
        await world.db.execute(
            "insert into stranger_appointment (clinic_id, appointment_id, networks, minutes, held) "
            "values ($1, $2, array[''::bytea], 30, false)",
            world.clinic,
            booked.id,
        )
    office = Office(world.db, post)
    await office.plan(world.now)
    await world.db.execute(SENT_EARLIER, world.clinic, str(other), earlier[0], earlier[1])
    await office.send(world.now)
    row = await world.db.fetchrow("select status, reason from notification where kind = 'confirmation'")
    assert row.status == status
    assert (row.reason == "too many messages to this address today") == (status == "dead")


async def test_messages_contain_neither_a_strangers_notes_nor_their_reasons(world, post):
    office = Office(world.db, post)
    booked = await world.book(world.dr_shah, world.now.replace(hour=9), world.ana, notes="See http://evil.example")
    await office.plan(world.now)
    await office.send(world.now)
    cancellation = {"appointment_id": booked.id, "reason": "http://evil.example", "if_match": None, "now": world.now}
    holder = Actor(f"link:{booked.id}", appointment_id=booked.id)
    await world.db.atomic(transitions.cancel, holder, **cancellation)
    await office.plan(world.now)
    await office.send(world.now)
    assert len(post.messages) == 2
    assert not any("evil" in message.text + str(message.html) + str(message.calendar) for message in post.messages)


async def expire_hold(world, office, *, start=None):
    """Let one of Ana's holds expire, and then the minute in which she could still book again."""
    await world.book(world.dr_shah, start or world.now.replace(hour=9), world.ana, hold=True)
    await office.plan_and_send(world.now)
    world.now += timedelta(minutes=10)
    await expire_holds(world.db, now=world.now)
    await office.plan(world.now)
    world.now += timedelta(minutes=1)


async def test_someone_whose_hold_has_expired_is_told_that_nothing_is_booked(world, post):
    office = Office(world.db, post)
    await expire_hold(world, office)
    await office.send(world.now)
    message = post.messages[-1]
    assert message.subject == "Appointment not booked: Monday, 1 March 2027, 10:00"
    assert f"https://appoint.example/c/{world.clinic}" in message.text
    assert "Ana" not in message.text + str(message.html)


async def test_someone_who_has_booked_again_gets_no_message_about_the_expired_hold(world, post):
    office = Office(world.db, post)
    await expire_hold(world, office)
    await world.book(world.dr_shah, world.now.replace(hour=10, minute=0), world.ana)
    await office.plan_and_send(world.now)
    assert [message.subject.partition(":")[0] for message in post.messages] == ["Appointment booked"]


async def test_an_address_gets_a_message_about_expired_holds_at_most_once_a_day(world, post):
    office = Office(world.db, post)
    await expire_hold(world, office)
    await office.send(world.now)
    await expire_hold(world, office, start=world.now.replace(hour=11, minute=0))
    await office.send(world.now)
    assert len([message for message in post.messages if message.subject.startswith("Appointment not booked")]) == 1
