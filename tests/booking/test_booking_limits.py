"""Limits on a customer's appointments and holds at a clinic, which do not apply when its staff book."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

import httpx2
import pytest

from appoint.booking.request_context import booking_limits
from appoint.booking.time_rules import BookingLimits
from appoint.database.pool import Database
from appoint.kit.actors import Actor, Membership, Role
from support.app import ADMIN, client_of, composed, settings
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, insert_appointment, publish_slot

NOW = hours_ahead(0)
MAX_APPOINTMENTS = 5
MAX_HOLDS = 2
EIGHT = (NOW + timedelta(days=3)).replace(hour=8, minute=0, second=0)


@pytest.fixture
async def client(db: Database, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client for an application with low limits, and a clinic with a doctor who works for three days."""
    app = composed(database_url, appointments_per_customer=MAX_APPOINTMENTS, holds_per_customer=MAX_HOLDS)
    async with client_of(app) as client:
        await create_clinic(client)
        client.doctor = await create_doctor(client)
        for day in range(3):
            await publish_slot(db, client.doctor, EIGHT + timedelta(days=day), EIGHT + timedelta(days=day, hours=8))
        yield client


def appointment_body(client, customer_id, number, **members):
    """Return a request for the `number`th half-hour of the day."""
    start = EIGHT + timedelta(minutes=30 * number)
    return {
        "customerId": customer_id,
        "doctorId": client.doctor,
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=30)).isoformat(),
        **members,
    }


async def post_appointment(client, customer_id, number, *, headers=None, **members):
    return await client.post(
        "/api/appointments", json=appointment_body(client, customer_id, number, **members), headers=headers
    )


async def test_a_customer_can_book_up_to_the_limit(client):
    ana = await create_customer(client)
    statuses = [(await post_appointment(client, ana, number)).status_code for number in range(MAX_APPOINTMENTS)]
    assert statuses == [201] * MAX_APPOINTMENTS
    refusal = (await post_appointment(client, ana, MAX_APPOINTMENTS)).json()
    assert (refusal["status"], refusal["reason"], refusal["alternatives"]) == (409, "too-many-appointments", [])
    ben = await create_customer(client)  # the limit applies to the patient, not the caller
    assert (await post_appointment(client, ben, MAX_APPOINTMENTS)).status_code == 201


async def test_cancelled_past_and_other_clinics_appointments_do_not_count(client, db):
    ana = await create_customer(client)
    appointments = [(await post_appointment(client, ana, number)).json() for number in range(MAX_APPOINTMENTS)]
    assert (await post_appointment(client, ana, MAX_APPOINTMENTS)).status_code == 409
    await client.delete(f"/api/appointments/{appointments[0]['id']}", headers=ADMIN)
    assert (await post_appointment(client, ana, MAX_APPOINTMENTS)).status_code == 201

    ben = await create_customer(client)
    past = NOW - timedelta(days=2)
    await publish_slot(db, client.doctor, past, past + timedelta(hours=4))
    for number in range(MAX_APPOINTMENTS):
        await insert_appointment(
            db, client.doctor, ben, past + timedelta(minutes=30 * number), past + timedelta(minutes=30 * number + 30)
        )
    assert (await post_appointment(client, ben, MAX_APPOINTMENTS + 1)).status_code == 201

    other_doctor = await create_doctor(client, await create_clinic(client, name="Hillside Clinic"))
    await publish_slot(db, other_doctor, EIGHT + timedelta(days=9), EIGHT + timedelta(days=9, hours=8))
    other_clinic_response = await post_appointment(client, ana, 9 * 48, doctorId=other_doctor)
    assert other_clinic_response.status_code == 201, other_clinic_response.text


async def test_holds_have_a_lower_limit_than_bookings(client):
    ana = await create_customer(client)
    holds = [await post_appointment(client, ana, number, hold=True) for number in range(MAX_HOLDS)]
    assert [response.status_code for response in holds] == [201] * MAX_HOLDS
    assert (await post_appointment(client, ana, MAX_HOLDS, hold=True)).json()["reason"] == "too-many-holds"
    assert (await post_appointment(client, ana, MAX_HOLDS)).status_code == 201
    await client.post(f"/api/appointments/{holds[0].json()['id']}/confirm", headers=ADMIN)
    assert (await post_appointment(client, ana, MAX_HOLDS + 1, hold=True)).status_code == 201


async def test_a_booking_that_exceeds_the_limit_is_refused_entirely(client, db):
    ana, ben = await create_customer(client), await create_customer(client)
    await post_appointment(client, ana, 0)
    parts = [
        appointment_body(client, ben, 1),
        *(appointment_body(client, ana, number) for number in range(2, MAX_APPOINTMENTS + 2)),
    ]
    body = {"clinicId": 1, "customerId": ana, "appointments": parts}
    refusal = (await client.post("/api/bookings", json=body)).json()
    assert (refusal["reason"], refusal["index"]) == ("too-many-appointments", MAX_APPOINTMENTS)
    assert await db.fetchval("select count(*) from appointment") == 1
    body["appointments"].pop()
    assert (await client.post("/api/bookings", json=body)).status_code == 201


async def test_the_administrator_can_exceed_the_limits(client):
    ana = await create_customer(client)
    numbers = range(MAX_APPOINTMENTS + 2)
    assert {(await post_appointment(client, ana, number, headers=ADMIN)).status_code for number in numbers} == {201}


async def test_a_repeated_request_at_the_limit_returns_the_original_appointment(client):
    ana = await create_customer(client)
    for number in range(MAX_APPOINTMENTS - 1):
        await post_appointment(client, ana, number)
    first, second = [
        await post_appointment(client, ana, MAX_APPOINTMENTS, headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert (first.status_code, second.status_code, second.headers["Idempotent-Replayed"]) == (201, 201, "true")


async def test_the_limit_is_reported_before_a_taken_time_but_after_a_past_time(client):
    ana = await create_customer(client)
    for number in range(MAX_APPOINTMENTS):
        await post_appointment(client, ana, number)
    assert (await post_appointment(client, ana, 0)).json()[
        "reason"
    ] == "too-many-appointments"  # the time is also taken
    assert (await post_appointment(client, ana, -9 * 48)).json()["reason"] == "in-the-past"


async def test_concurrent_bookings_do_not_exceed_the_limit(client, db):
    for _ in range(3):
        ana = await create_customer(client)
        responses = await asyncio.gather(*(post_appointment(client, ana, number) for number in range(20)))
        outcomes = Counter(response.json().get("reason", response.status_code) for response in responses)
        assert outcomes == {201: MAX_APPOINTMENTS, "too-many-appointments": 20 - MAX_APPOINTMENTS}
        await db.execute("update appointment set status = 'cancelled'")


async def test_concurrent_family_bookings_neither_deadlock_nor_exceed_the_limit(client, db):
    ana, ben = await create_customer(client), await create_customer(client)

    def body(first, second, number):
        return {
            "clinicId": 1,
            "customerId": first,
            "appointments": [appointment_body(client, first, number), appointment_body(client, second, number + 1)],
        }

    bodies = [
        body(*((ana, ben) if number % 2 else (ben, ana)), number * 2 % 16 + 48 * (number // 8)) for number in range(16)
    ]
    responses = await asyncio.gather(*(client.post("/api/bookings", json=body) for body in bodies))
    outcomes = Counter(response.status_code for response in responses)
    assert outcomes == {201: MAX_APPOINTMENTS, 409: 16 - MAX_APPOINTMENTS}
    rows = await db.fetch("select count(*) from appointment group by customer_id")
    assert [row["count"] for row in rows] == [MAX_APPOINTMENTS, MAX_APPOINTMENTS]


CALLERS = {
    "a receptionist at the clinic": (Actor("r", memberships=(Membership(1, Role.RECEPTIONIST),)), False),
    "a receptionist at another clinic": (Actor("r", memberships=(Membership(2, Role.RECEPTIONIST),)), True),
    "a partner with its own limit": (
        Actor("p", memberships=(Membership(1, Role.PARTNER),), requests_per_minute=1000),
        False,
    ),
    "a partner at another clinic": (
        Actor("p", memberships=(Membership(2, Role.PARTNER),), requests_per_minute=1000),
        True,
    ),
    "a partner without a limit": (Actor("p", memberships=(Membership(1, Role.PARTNER),)), True),
    "a patient": (Actor("c", customer_id=UUID(int=1)), True),
}


@pytest.mark.parametrize("name", CALLERS)
def test_limits_do_not_apply_to_the_clinics_own_staff_or_partners(name):
    caller, limited = CALLERS[name]
    request = SimpleNamespace(user=caller, services=SimpleNamespace(settings=settings()))
    assert booking_limits(request, 1) == (BookingLimits(20, 3) if limited else None)
