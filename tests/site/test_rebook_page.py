"""The list of appointments that need rebooking, and what staff can do about all of them at once."""

from datetime import timedelta

import pytest

from support.app import ADMIN
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

START = (hours_ahead(0) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
async def doctor(client, db):
    """A doctor with two appointments that need rebooking, and a colleague who is free."""
    await create_clinic(client)
    shah, okafor = await create_doctor(client, name="Dr Shah"), await create_doctor(client, name="Dr Okafor")
    for each in (shah, okafor):
        await publish_slot(db, each, START, START + timedelta(hours=8))
    for hour in (0, 1):
        start = START + timedelta(hours=hour)
        when = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
        customer = await create_customer(client, name=f"Patient {hour}", phone="+493012345678")
        response = await client.post(
            "/api/appointments", json={"customerId": customer, "doctorId": shah} | when, headers=ADMIN
        )
        assert response.status_code == 201
    await db.execute("update appointment set needs_rebooking = true")
    return shah


async def read(client, path="rebook"):
    page = await client.get(f"/staff/1/absences/{path}".rstrip("/"), headers=ADMIN)
    assert page.status_code == 200
    return page.text


async def test_the_list_offers_to_handle_everyone_at_once(client, doctor):
    page = await read(client, f"rebook?doctor={doctor}")
    for label in (
        "Move all to the suggested times",
        "Hand over to Dr Okafor (2 of 2)",
        "Send everyone a link to choose a time",
        "Put everyone on the call list",
    ):
        assert label in page, label
    assert "tel:+493012345678" in page


async def test_patients_on_the_call_list_are_no_longer_offered_for_it(client, db, doctor):
    await db.execute("update appointment set rebook_by = 'phone', rebook_asked_at = now()")
    page = await read(client)
    assert ("To call" in page, "Put everyone on the call list" in page) == (True, False)


async def test_the_absences_page_can_block_the_rest_of_a_doctors_day(client, doctor):
    page = await read(client, "")
    assert ('id="ill-today"' in page, "Dr Shah" in page) == (True, True)
