"""Anyone can register more people with an address, but that doesn't lock out the people who really have it."""

from datetime import timedelta

from appoint.identity.sign_in_codes.model import MAX_SHARING
from support.app import ADMIN
from support.manage_links import START, book, create_visit
from support.sign_in_codes import enter_code, request_code
from support.world import create_customer


async def test_fake_registrations_that_hold_times_do_not_lock_anyone_out(db, client):
    visit = await create_visit(db, client)
    await book(client, visit, 5)
    fakes = [await create_customer(client, name=f"Fake {n}", email="ana@example.org") for n in range(MAX_SHARING)]
    for number, fake in enumerate(fakes):
        start = START + timedelta(minutes=10 * number)
        times = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=10)).isoformat()}
        body = {"customerId": fake, "doctorId": visit["doctorId"], "hold": True, **times}
        # bypasses the limits, which one network would soon reach
        assert (await client.post("/api/appointments", json=body, headers=ADMIN)).status_code == 201
    await db.execute(
        """
        update appointment set status = 'cancelled', hold_expires_at = null, only_held = true
         where status = 'pending' and extract(minute from lower(during)) = 10
        """
    )
    choices = (await enter_code(client, await request_code(client))).json()["choices"]
    assert (visit["customerId"] in [choice["customerId"] for choice in choices], len(choices)) == (True, MAX_SHARING)


async def test_later_registrations_do_not_lock_out_people_who_have_only_registered(db, client):
    first = await create_customer(client, name="Ana", email="ana@example.org")
    for number in range(MAX_SHARING):
        await create_customer(client, name=f"Fake {number}", email="ana@example.org")
    choices = (await enter_code(client, await request_code(client))).json()["choices"]
    assert first in [choice["customerId"] for choice in choices]


async def test_people_who_have_confirmed_the_address_come_first(db, client):
    for number in range(MAX_SHARING):
        await create_customer(client, name=f"Fake {number}", email="ana@example.org")
    ana = await create_customer(client, name="Ana", email="ana@example.org")
    await db.execute("update customer set email_confirmed_at = now() where id = $1::uuid", ana)
    choices = (await enter_code(client, await request_code(client))).json()["choices"]
    assert ana in [choice["customerId"] for choice in choices]
