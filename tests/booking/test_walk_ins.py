"""Patients who come without an appointment: staff book a time that has begun, or record the visit afterwards."""

from datetime import timedelta

import pytest

from appoint.booking.time_rules import Override
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.callers import accept_callers, headers_of, partner, staff
from support.world import (
    MONDAY,
    PATIENT,
    World,
    at,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    publish_slot,
)

NOW = at(10, 5)


@pytest.fixture
async def world(db):
    """Dr Shah works from eight to four. It is five past ten."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        world.now = NOW
        yield world


async def test_staff_can_book_a_time_that_has_begun(world):
    appointment = await world.book(world.dr_shah, at(10), world.ana, status="arrived")
    assert (appointment.status, appointment.arrived_at, appointment.overrides) == ("arrived", NOW, [])
    assert await world.db.fetchval("select count(*) from patient where customer_id = $1", world.ana) == 1


async def test_staff_can_note_this_mornings_visit(world):
    appointment = await world.book(world.dr_shah, at(8), world.ana, status="fulfilled")
    assert (appointment.status, appointment.arrived_at) == ("fulfilled", None)
    assert (await world.book(world.dr_shah, at(8), world.ben, status="fulfilled")).type == "taken"


async def test_patients_cannot_book_a_time_that_has_begun(world):
    assert (await world.book(world.dr_shah, at(10), world.ana, caller=PATIENT)).type == "in-the-past"


async def test_earlier_days_need_a_reason(world):
    earlier = at(9, day=MONDAY - timedelta(days=3))
    await world.publish(world.dr_shah, earlier, earlier + timedelta(hours=1))
    refusal = await world.book(world.dr_shah, earlier, world.ana, status="fulfilled")
    assert refusal.type == "in-the-past"
    override = Override(allow=["in-the-past"], reason="The computer was down")
    noted = await world.book(world.dr_shah, earlier, world.ana, status="fulfilled", override=override)
    assert (noted.status, noted.overrides, noted.override_reason) == (
        "fulfilled",
        ["in-the-past"],
        "The computer was down",
    )


async def test_a_patient_cannot_have_arrived_for_another_day(world):
    tomorrow = at(9, day=MONDAY + timedelta(days=1))
    await world.publish(world.dr_shah, tomorrow, tomorrow + timedelta(hours=1))
    assert (await world.book(world.dr_shah, tomorrow, world.ana, status="arrived")).type == "not-started"


async def test_only_staff_can_set_the_status(client, db):
    clinic = await create_clinic(client)
    shah, ana = await create_doctor(client), await create_customer(client)
    start = hours_ahead(0).replace(minute=0, second=0, microsecond=0)
    await publish_slot(db, shah, start, start + timedelta(hours=4))
    accept_callers(client, staff(clinic, shah) | {"partner": partner(clinic, "book")})
    body = {
        "customerId": ana,
        "doctorId": shah,
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=10)).isoformat(),
        "status": "arrived",
    }
    assert (await client.post("/api/appointments", json=body, headers=headers_of("partner"))).status_code == 403
    held = await client.post("/api/appointments", json=body | {"hold": True}, headers=ADMIN)
    assert [error["pointer"] for error in held.json()["errors"]] == ["#/status"]
    booked = await client.post("/api/appointments", json=body, headers=headers_of("receptionist"))
    assert (booked.status_code, booked.json()["status"]) == (201, "arrived")
