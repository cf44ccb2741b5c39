"""Doctors, for systems that call them providers."""

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY as MONDAY
from support.hours import hours
from support.world import create_clinic

WEEK = {"weekly": {"monday": hours("09:00-12:00")}}


@pytest.fixture
async def provider(client):
    await create_clinic(client, policy={"requireVersion": True})
    return (await client.post("/api/providers", json={"name": "Dr Shah"}, headers=ADMIN)).json()["id"]


async def test_a_provider_is_a_doctor_at_the_only_clinic(client, provider):
    doctor = (await client.get(f"/api/doctors/{provider}")).json()
    assert (doctor["name"], doctor["clinicId"]) == ("Dr Shah", 1)


async def test_creating_a_provider_requires_a_clinic_if_there_are_several(client, provider):
    await create_clinic(client)
    rejected = await client.post("/api/providers", json={"name": "Dr Rao"}, headers=ADMIN)
    assert (rejected.status_code, rejected.json()["reason"]) == (409, "which-clinic")
    created = await client.post("/api/providers", json={"name": "Dr Rao", "clinicId": 2}, headers=ADMIN)
    assert (created.status_code, created.headers["Location"]) == (201, f"/api/doctors/{created.json()['id']}")


async def test_setting_a_providers_schedule_sets_the_doctors_schedule_without_a_version(client, provider):
    """This holds even if the clinic requires versions for other changes."""
    response = await client.post(f"/api/providers/{provider}/schedule", json=WEEK, headers=ADMIN)
    assert response.status_code == 200
    assert (await client.get(f"/api/doctors/{provider}/schedule")).json() == response.json()


async def test_a_repeated_request_sets_the_schedule_once(client, db, provider):
    responses = [
        await client.post(f"/api/providers/{provider}/schedule", json=WEEK, headers=ADMIN | {"Idempotency-Key": "week"})
        for _ in range(2)
    ]
    assert responses[0].json() == responses[1].json()
    assert responses[1].headers["Idempotent-Replayed"] == "true"
    assert await db.fetchval("select count(*) from doctor_slot") == 1


async def test_a_providers_availability_is_the_doctors_availability(client, provider):
    await client.post(f"/api/providers/{provider}/schedule", json=WEEK, headers=ADMIN)
    await client.post(
        "/api/availability/createBookingSlots",
        json={"clinicId": 1, "from": str(MONDAY), "to": str(MONDAY)},
        headers=ADMIN,
    )
    responses = [
        (await client.get(f"/api/{collection}/{provider}/availability?date={MONDAY}&minutes=60")).json()
        for collection in ("providers", "doctors")
    ]
    assert responses[0] == responses[1]
    assert responses[0]["days"][0]["free"] == 9
