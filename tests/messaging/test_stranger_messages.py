"""Messages about appointments that strangers booked."""

from datetime import timedelta

import pytest

from appoint.booking import transitions
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
