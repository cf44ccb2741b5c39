"""Doctors, as systems meet them that call them providers."""

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY as MONDAY
from support.hours import hours
from support.rows import clinic

WEEK = {"weekly": {"monday": hours("09:00-12:00")}}


@pytest.fixture
async def provider(client):
    await clinic(client, policy={"requireVersion": True})
    return (await client.post("/api/providers", json={"name": "Dr Shah"}, headers=ADMIN)).json()["id"]


async def test_a_provider_is_a_doctor_of_the_only_clinic(client, provider):
    shown = (await client.get(f"/api/doctors/{provider}")).json()
    assert (shown["name"], shown["clinicId"]) == ("Dr Shah", 1)


async def test_where_there_are_several_clinics_one_is_named(client, provider):
    await clinic(client)
    refused = await client.post("/api/providers", json={"name": "Dr Rao"}, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "which-clinic")
    made = await client.post("/api/providers", json={"name": "Dr Rao", "clinicId": 2}, headers=ADMIN)
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/doctors/{made.json()['id']}")


async def test_a_week_that_is_set_asks_for_no_version_and_is_the_doctors(client, provider):
    """Whatever the clinic insists on elsewhere."""
    answer = await client.post(f"/api/providers/{provider}/schedule", json=WEEK, headers=ADMIN)
    assert answer.status_code == 200
    assert (await client.get(f"/api/doctors/{provider}/schedule")).json() == answer.json()


async def test_a_repeated_week_is_set_once(client, db, provider):
    answers = [
        await client.post(f"/api/providers/{provider}/schedule", json=WEEK, headers=ADMIN | {"Idempotency-Key": "week"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert await db.fetchval("select count(*) from doctor_slot") == 1


async def test_a_providers_free_times_are_the_doctors(client, provider):
    await client.post(f"/api/providers/{provider}/schedule", json=WEEK, headers=ADMIN)
    await client.post(
        "/api/availability/createBookingSlots",
        json={"clinicId": 1, "from": str(MONDAY), "to": str(MONDAY)},
        headers=ADMIN,
    )
    answers = [
        (await client.get(f"/api/{who}/{provider}/availability?date={MONDAY}&minutes=60")).json()
        for who in ("providers", "doctors")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["days"][0]["free"] == 9
