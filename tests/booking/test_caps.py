"""How many appointments a customer can have at a clinic without its people."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest

from appoint.booking.rules import BookingLimits
from appoint.database.pool import Database
from appoint.kit.actors import Actor, Membership, Role
from support.app import ADMIN, composed, settings
from support.rows import NOW, book, clinic, customer, doctor, publish

MOST = 5
HELD = 2
EIGHT = (NOW + timedelta(days=3)).replace(hour=8, minute=0, second=0)


@pytest.fixture
async def client(db: Database, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application with low caps, and a clinic with a doctor who is there for three days."""
    app = composed(database_url, appointments_per_customer=MOST, holds_per_customer=HELD)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
        ) as client,
    ):
        await clinic(client)
        client.doctor = await doctor(client)
        for day in range(3):
            await publish(db, client.doctor, EIGHT + timedelta(days=day), EIGHT + timedelta(days=day, hours=8))
        yield client


def wish(client, customer_id, number, **more):
    """The customer's wish for the day's `number`th half an hour."""
    start = EIGHT + timedelta(minutes=30 * number)
    return {
        "customerId": customer_id,
        "doctorId": client.doctor,
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=30)).isoformat(),
        **more,
    }


async def ask(client, customer_id, number, *, headers=None, **more):
    return await client.post("/api/appointments", json=wish(client, customer_id, number, **more), headers=headers)


async def test_a_customer_books_as_many_as_the_cap_and_no_more(client):
    ana = await customer(client)
    assert [(await ask(client, ana, number)).status_code for number in range(MOST)] == [201] * MOST
    refused = (await ask(client, ana, MOST)).json()
    assert (refused["status"], refused["reason"], refused["alternatives"]) == (409, "too-many-appointments", [])
    assert (await ask(client, await customer(client), MOST)).status_code == 201  # whom it is about decides


async def test_what_is_cancelled_over_or_elsewhere_does_not_count(client, db):
    ana = await customer(client)
    made = [(await ask(client, ana, number)).json() for number in range(MOST)]
    assert (await ask(client, ana, MOST)).status_code == 409
    await client.delete(f"/api/appointments/{made[0]['id']}", headers=ADMIN)
    assert (await ask(client, ana, MOST)).status_code == 201

    ben = await customer(client)
    past = NOW - timedelta(days=2)
    await publish(db, client.doctor, past, past + timedelta(hours=4))
    for number in range(MOST):
        await book(
            db, client.doctor, ben, past + timedelta(minutes=30 * number), past + timedelta(minutes=30 * number + 30)
        )
    assert (await ask(client, ben, MOST + 1)).status_code == 201

    elsewhere = await doctor(client, await clinic(client, name="Hillside Clinic"))
    await publish(db, elsewhere, EIGHT + timedelta(days=9), EIGHT + timedelta(days=9, hours=8))
    there = await ask(client, ana, 9 * 48, doctorId=elsewhere)
    assert there.status_code == 201, there.text


async def test_fewer_can_be_held_than_booked(client):
    ana = await customer(client)
    held = [await ask(client, ana, number, hold=True) for number in range(HELD)]
    assert [answer.status_code for answer in held] == [201] * HELD
    assert (await ask(client, ana, HELD, hold=True)).json()["reason"] == "too-many-holds"
    assert (await ask(client, ana, HELD)).status_code == 201
    await client.post(f"/api/appointments/{held[0].json()['id']}/confirm", headers=ADMIN)
    assert (await ask(client, ana, HELD + 1, hold=True)).status_code == 201


async def test_a_booking_of_several_is_refused_as_a_whole_at_the_first_too_many(client, db):
    ana, ben = await customer(client), await customer(client)
    await ask(client, ana, 0)
    parts = [wish(client, ben, 1), *(wish(client, ana, number) for number in range(2, MOST + 2))]
    body = {
        "clinicId": 1,
        "customerId": ana,
        "appointments": [{name: value for name, value in part.items() if name != "bookingId"} for part in parts],
    }
    refused = (await client.post("/api/bookings", json=body)).json()
    assert (refused["reason"], refused["index"]) == ("too-many-appointments", MOST)
    assert await db.fetchval("select count(*) from appointment") == 1
    body["appointments"].pop()
    assert (await client.post("/api/bookings", json=body)).status_code == 201


async def test_the_administrator_books_beyond_the_caps(client):
    ana = await customer(client)
    assert {(await ask(client, ana, number, headers=ADMIN)).status_code for number in range(MOST + 2)} == {201}


async def test_a_repeated_request_at_the_cap_is_answered_with_what_it_made(client):
    ana = await customer(client)
    for number in range(MOST - 1):
        await ask(client, ana, number)
    first, second = [await ask(client, ana, MOST, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert (first.status_code, second.status_code, second.headers["Idempotent-Replayed"]) == (201, 201, "true")


async def test_reasons_that_no_other_time_would_change_come_before_those_of_the_time(client):
    ana = await customer(client)
    for number in range(MOST):
        await ask(client, ana, number)
    assert (await ask(client, ana, 0)).json()["reason"] == "too-many-appointments"  # taken, too
    assert (await ask(client, ana, -9 * 48)).json()["reason"] == "in-the-past"


async def test_of_twenty_bookings_at_once_as_many_win_as_the_cap_allows(client, db):
    for _ in range(3):
        ana = await customer(client)
        answers = await asyncio.gather(*(ask(client, ana, number) for number in range(20)))
        assert sorted(answer.status_code for answer in answers) == [201] * MOST + [409] * (20 - MOST)
        assert {answer.json()["reason"] for answer in answers if answer.status_code == 409} == {"too-many-appointments"}
        await db.execute("update appointment set status = 'cancelled'")


async def test_families_that_book_for_each_other_at_once_neither_wait_forever_nor_exceed_the_cap(client, db):
    ana, ben = await customer(client), await customer(client)

    def body(first, second, number):
        return {
            "clinicId": 1,
            "customerId": first,
            "appointments": [wish(client, first, number), wish(client, second, number + 1)],
        }

    bodies = [
        body(*((ana, ben) if number % 2 else (ben, ana)), number * 2 % 16 + 48 * (number // 8)) for number in range(16)
    ]
    answers = await asyncio.gather(*(client.post("/api/bookings", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] * MOST + [409] * (16 - MOST)
    assert [row["count"] for row in await db.fetch("select count(*) from appointment group by customer_id")] == [
        MOST,
        MOST,
    ]


CALLERS = {
    "a receptionist of the clinic": (Actor("r", memberships=(Membership(1, Role.RECEPTIONIST),)), False),
    "a receptionist of another clinic": (Actor("r", memberships=(Membership(2, Role.RECEPTIONIST),)), True),
    "a partner with a limit of its own": (
        Actor("p", memberships=(Membership(1, Role.PARTNER),), requests_per_minute=1000),
        False,
    ),
    "a partner of another clinic": (
        Actor("p", memberships=(Membership(2, Role.PARTNER),), requests_per_minute=1000),
        True,
    ),
    "a partner without a limit": (Actor("p", memberships=(Membership(1, Role.PARTNER),)), True),
    "a patient": (Actor("c", customer_id=UUID(int=1)), True),
}


@pytest.mark.parametrize("who", CALLERS)
def test_the_clinics_own_people_have_no_caps(who):
    from types import SimpleNamespace

    from appoint.booking.request_context import booking_limits

    caller, capped = CALLERS[who]
    request = SimpleNamespace(user=caller, services=SimpleNamespace(settings=settings()))
    assert booking_limits(request, 1) == (BookingLimits(20, 3) if capped else None)
