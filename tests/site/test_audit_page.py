"""The audit page in words: who did what to whom, and why."""

from datetime import timedelta
from html import unescape

import pytest

from support.app import ADMIN
from support.staff import add_user, bearer, works_at
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, publish_slot

START = (hours_ahead(0) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
async def desk(client, db):
    """Mona, a receptionist, has cancelled an appointment; another patient's appointment is still booked."""
    clinic = await create_clinic(client)
    doctor = await create_doctor(client, name="Dr Shah")
    await publish_slot(db, doctor, START, START + timedelta(hours=4))
    await works_at(db, await add_user(db, "mona@example.org", name="Mona Varga"), clinic, "receptionist")
    await works_at(db, await add_user(db, "mia@example.org"), clinic, "manager")
    ids = []
    for number, name in enumerate(("Petra Groß", "Ben Okafor")):
        customer = await create_customer(client, name=name)
        start = START + timedelta(hours=number)
        when = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
        body = {"customerId": customer, "doctorId": doctor} | when
        ids.append((await client.post("/api/appointments", json=body, headers=ADMIN)).json()["id"])
    as_mona = await bearer(client, "mona@example.org")
    response = await client.delete(f"/api/appointments/{ids[0]}?reason=Holiday", headers=as_mona)
    assert response.status_code == 204, response.text
    return await bearer(client, "mia@example.org")


async def read(client, headers, **query):
    page = await client.get("/staff/1/audit", params=query, headers=headers)
    assert page.status_code == 200
    return unescape(page.text)


async def test_a_cancellation_says_who_cancelled_whom_and_why(client, desk):
    page = await read(client, desk)
    assert "Mona Varga cancelled Petra Groß, " in page
    assert "because “Holiday”" in page


async def test_filtering_by_patient_and_kind_of_change_shows_who_cancelled(client, desk):
    page = await read(client, desk, patient="gross", group="cancelled")
    assert ("Mona Varga cancelled Petra Groß" in page, "booked" in page.partition("<tbody>")[2]) == (True, False)
    assert "No matching entries." in await read(client, desk, patient="okafor", group="cancelled")


async def test_views_are_shown_only_on_request(client, desk):
    await read(client, desk)
    assert "showAudit" not in (await read(client, desk)).partition("<tbody>")[2]
    assert "showAudit" in (await read(client, desk, show="all")).partition("<tbody>")[2]


async def test_an_absence_says_whose_it_is(client, desk):
    doctor = (await client.get("/api/clinics/1/doctors")).json()["items"][0]["id"]
    away = {"doctorId": doctor, "startTime": START.isoformat(), "endTime": (START + timedelta(hours=4)).isoformat()}
    response = await client.post("/api/clinics/1/absences?force=true", json=away, headers=desk)
    assert response.status_code == 201
    assert "Mia Klein added an absence: Dr Shah, " in await read(client, desk)
