"""Limits on how much of a clinic's time new patients can take after they have signed in."""

from datetime import timedelta
from uuid import UUID

import pytest

from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.rate_limits import limited_client
from support.sign_in_codes import enter_code, request_code
from support.stranger_bounds import DOCTORS, MINUTES, STARTS, Clinic, free_times
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot


@pytest.fixture
async def clinic(db):
    async with ClinicCache(None) as cache:
        clinic = await Clinic.make(db, cache)
        await clinic.open()
        yield clinic


async def attempt_signed_in(clinic: Clinic, customer: UUID, number: int, *, after: int = 0) -> list[str]:
    """As a signed-in patient, book one appointment after another from one network. Return the outcomes."""
    patient = Actor(f"customer:{customer}", customer_id=customer)
    times = free_times(clinic, number * DOCTORS, after=after)[::DOCTORS]
    return [await clinic.attempt("203.0.113.1", [time], [customer], actor=patient, hold=False) for time in times]


async def test_patients_who_have_only_just_registered_have_the_same_limits_when_they_sign_in(clinic):
    outcomes = []
    for number, customer in enumerate(await clinic.add_customers(3)):
        outcomes += await attempt_signed_in(clinic, customer, 6, after=number)
    assert outcomes == ["booked"] * 12 + ["too-many-bookings"] * 6
    assert await clinic.db.fetchval("select count(*) from stranger_appointment") == 12


@pytest.mark.parametrize("known_by", ["age", "visit"])
async def test_known_patients_do_not_have_these_limits(clinic, known_by):
    (customer,) = await clinic.add_customers(1)
    if known_by == "age":
        created_at = clinic.now - timedelta(days=30)
        await clinic.db.execute("update customer set created_at = $2 where id = $1", customer, created_at)
    else:
        assert await attempt_signed_in(clinic, customer, 1) == ["booked"]
        clinic.now = STARTS[0] + timedelta(minutes=MINUTES)
    assert await attempt_signed_in(clinic, customer, 15, after=16 * DOCTORS) == ["booked"] * 15


async def test_a_missed_or_cancelled_visit_does_not_make_a_patient_known(clinic):
    (customer,) = await clinic.add_customers(1)
    assert await attempt_signed_in(clinic, customer, 12) == ["booked"] * 12
    clinic.now = STARTS[12]
    await clinic.db.execute("update appointment set status = 'cancelled', cancel_cause = 'request'")
    assert await attempt_signed_in(clinic, customer, 1, after=24 * DOCTORS) == ["too-many-bookings"]


async def test_staff_can_find_new_patients_bookings(db, database_url):
    async with limited_client(database_url, stranger_minutes_per_network=60) as client:
        await create_clinic(client)
        doctor, start = await create_doctor(client), hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)
        await publish_slot(db, doctor, start, start + timedelta(hours=7))
        ana = await create_customer(client, email="ana@example.org")
        entered = await enter_code(client, await request_code(client))
        session = {"Authorization": f"Bearer {entered.json()['session']['token']}"}
        statuses = []
        for number in range(3):
            time = {
                "startTime": (start + timedelta(minutes=30 * number)).isoformat(),
                "endTime": (start + timedelta(minutes=30 * number + 30)).isoformat(),
            }
            body = {"clinicId": 1, "doctorId": doctor, "customerId": ana, **time}
            statuses.append((await client.post("/api/appointments", json=body, headers=session)).status_code)
        assert statuses == [201, 201, 409]
        listed = (await client.get("/api/clinics/1/strangerAppointments", headers=ADMIN)).json()["items"]
        assert [(item["customerId"], item["status"]) for item in listed] == [(ana, "booked")] * 2
