"""Absences over HTTP."""

from datetime import timedelta
from uuid import UUID

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, local
from support.weekly_hours import published_doctor
from support.world import create_customer

LAKESIDE = "/api/clinics/1/absences"


@pytest.fixture
async def shah(client):
    """Create a clinic with a doctor, and publish a Monday from nine to twelve. Return the doctor's id."""
    return await published_doctor(client, monday=hours("09:00-12:00"))


def absence_body(**members):
    return {
        "startTime": local(COMING_MONDAY, "09:00").isoformat(),
        "endTime": local(COMING_MONDAY, "12:00").isoformat(),
        **members,
    }


async def test_a_created_absence_can_be_read_back(client, shah):
    response = await client.post(LAKESIDE, json=absence_body(doctorId=shah, reason="Holiday"), headers=ADMIN)
    assert response.status_code == 201
    assert (
        response.json()["doctorId"],
        response.json()["reason"],
        response.json()["clinicId"],
        response.json()["active"],
    ) == (
        shah,
        "Holiday",
        1,
        True,
    )
    assert (await client.get(response.headers["Location"], headers=ADMIN)).json() == response.json()


async def test_an_absence_with_conflicting_appointments_is_refused_unless_forced(client, shah):
    body = {"customerId": await create_customer(client), "doctorId": shah, **absence_body()}
    appointment = (await client.post("/api/appointments", json=body)).json()
    del appointment["manageToken"]  # only the response to the booking contains it
    refusal = await client.post(LAKESIDE, json=absence_body(doctorId=shah), headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["count"]) == (
        409,
        "appointments-in-the-way",
        1,
    )
    assert refusal.json()["appointments"] == [appointment]
    assert (
        await client.post(LAKESIDE, params={"force": "true"}, json=absence_body(doctorId=shah), headers=ADMIN)
    ).status_code == 201
    kept_appointment = (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()
    assert kept_appointment["needsRebooking"] is True


async def test_absences_are_paginated_by_start_time(client, shah):
    for days in (2, 0, 1):
        start, end = (local(COMING_MONDAY + timedelta(days=days), time).isoformat() for time in ("09:00", "10:00"))
        await client.post(LAKESIDE, json={"startTime": start, "endTime": end}, headers=ADMIN)
    first = (await client.get(LAKESIDE, params={"limit": 2}, headers=ADMIN)).json()
    rest = (await client.get(LAKESIDE, params={"limit": 2, "cursor": first["next"]}, headers=ADMIN)).json()
    starts = [absence["startTime"] for absence in first["items"] + rest["items"]]
    assert starts == sorted(starts)
    assert len(starts) == 3


async def test_a_removed_absence_is_no_longer_listed(client, shah):
    response = await client.post(LAKESIDE, json=absence_body(), headers=ADMIN)
    path = response.headers["Location"]
    assert (await client.delete(path, headers=ADMIN | {"If-Match": '"v2"'})).status_code == 412
    assert (await client.delete(path, headers=ADMIN)).status_code == 204
    assert (await client.get(LAKESIDE, headers=ADMIN)).json()["items"] == []
    assert (await client.get(path, headers=ADMIN)).json()["active"] is False


async def test_a_repeated_request_creates_one_absence(client, shah):
    responses = [
        await client.post(LAKESIDE, json=absence_body(), headers=ADMIN | {"Idempotency-Key": "holiday"})
        for _ in range(2)
    ]
    assert responses[0].json() == responses[1].json()
    assert len((await client.get(LAKESIDE, headers=ADMIN)).json()["items"]) == 1


async def test_absence_members_are_validated(client, shah):
    for change, status in [
        ({"endTime": "2027-03-01T08:00:00Z"}, 400),
        ({"endTime": "2028-03-01T08:00:01Z"}, 400),
        ({"endTime": "2028-03-01T08:00:00Z"}, 201),
        ({"startTime": "2027-03-01T08:00:00"}, 400),
        ({"doctorId": str(UUID(int=1 << 96 | 0x8000 << 64 | 0x8000 << 48))}, 404),
        ({"doctorId": str(UUID(int=2 << 96 | 0x8000 << 64 | 0x8000 << 48))}, 404),
        ({"reason": "x" * 5001}, 400),
        ({"why": "x"}, 400),
    ]:
        body = {"startTime": "2027-03-01T08:00:00Z", "endTime": "2027-03-01T09:00:00Z"} | change
        assert (await client.post(LAKESIDE, json=body, headers=ADMIN)).status_code == status, change


async def test_anonymous_callers_and_unknown_clinics_are_refused(client, shah):
    assert (await client.get(LAKESIDE)).status_code == 401
    assert (await client.post(LAKESIDE, json=absence_body())).status_code == 401
    assert (await client.get("/api/clinics/2/absences", headers=ADMIN)).status_code == 404
    assert (await client.post("/api/clinics/2/absences", json=absence_body(), headers=ADMIN)).status_code == 404
