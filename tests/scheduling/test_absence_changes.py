"""Changes to absences: time is withdrawn and published as needed, and never offered in between."""

from datetime import timedelta
from uuid import UUID

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, list_published, local
from support.weekly_hours import published_doctor
from support.world import create_customer

LAKESIDE = "/api/clinics/1/absences"


@pytest.fixture
async def shah(client):
    """Create a clinic with a doctor who works from nine to twelve on one Monday. Return the doctor's id."""
    return await published_doctor(client, monday=hours("09:00-12:00"))


def at(wall_time, days=0):
    return local(COMING_MONDAY + timedelta(days=days), wall_time).isoformat()


async def add(client, start, end, **members):
    body = {"startTime": at(start), "endTime": at(end), **members}
    return (await client.post(LAKESIDE, json=body, headers=ADMIN)).headers["Location"]


async def monday_hours(db, doctor):
    published = await list_published(db, UUID(doctor))
    return [hours for hours in published if hours.startswith("Mon")][:2]


async def test_a_shortened_absence_publishes_the_weekly_hours_again(client, db, shah):
    path = await add(client, "09:00", "11:00", doctorId=shah)
    assert [text[-11:] for text in await monday_hours(db, shah)] == ["11:00-12:00"]
    changed = await client.patch(path, json={"endTime": at("10:00")}, headers=ADMIN)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert [text[-11:] for text in await monday_hours(db, shah)] == ["10:00-12:00"]


async def test_a_moved_absence_withdraws_its_new_time_and_publishes_its_old_time(client, db, shah):
    path = await add(client, "09:00", "10:00", doctorId=shah)
    moved = await client.patch(path, json={"startTime": at("11:00"), "endTime": at("12:00")}, headers=ADMIN)
    assert moved.json()["startTime"] == moved.json()["endTime"].replace("T11:", "T10:").replace("T12:", "T11:")
    assert [text[-11:] for text in await monday_hours(db, shah)] == ["09:00-11:00"]


async def test_a_longer_absence_with_conflicting_appointments_is_refused_unless_forced(client, db, shah):
    path = await add(client, "09:00", "10:00", doctorId=shah)
    body = {"customerId": await create_customer(client), "doctorId": shah, "startTime": at("10:30")}
    appointment = (await client.post("/api/appointments", json=body | {"endTime": at("11:00")}, headers=ADMIN)).json()
    longer = {"endTime": at("11:00")}
    refusal = await client.patch(path, json=longer, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["count"]) == (
        409,
        "appointments-in-the-way",
        1,
    )
    assert (await client.get(path, headers=ADMIN)).json()["version"] == 1
    assert (await client.patch(path, params={"force": "true"}, json=longer, headers=ADMIN)).status_code == 200
    # an appointment that already needs rebooking does not prevent shortening the absence
    assert (await client.patch(path, json={"startTime": at("09:30")}, headers=ADMIN)).status_code == 200
    kept = (await client.get(f"/api/appointments/{appointment['id']}", headers=ADMIN)).json()
    assert kept["needsRebooking"] is True


async def test_a_change_creates_one_event_and_no_change_creates_none(client, db, shah):
    path = await add(client, "09:00", "10:00", doctorId=shah)
    await client.patch(path, json={"reason": "Training"}, headers=ADMIN)
    unchanged = await client.patch(path, json={"reason": "Training"}, headers=ADMIN)
    assert unchanged.json()["version"] == 2
    events = await db.fetch("select subject_version from event where type = 'absence.changed'")
    assert [row.subject_version for row in events] == [2]


async def test_invalid_outdated_and_late_changes_are_refused(client, shah):
    path = await add(client, "09:00", "10:00", doctorId=shah)
    assert (await client.patch(path, json={"endTime": at("09:00")}, headers=ADMIN)).status_code == 400
    assert (await client.patch(path, json={"doctorId": shah}, headers=ADMIN)).status_code == 400
    assert (await client.patch(path, json={"startTime": None}, headers=ADMIN)).status_code == 400
    assert (await client.patch(path, json={}, headers=ADMIN | {"If-Match": '"v2"'})).status_code == 412
    assert (await client.patch(path, json={})).status_code == 401
    await client.delete(path, headers=ADMIN)
    assert (await client.patch(path, json={"reason": "Late"}, headers=ADMIN)).status_code == 404


async def test_absences_can_be_filtered_by_day_and_doctor(client, shah):
    monday = await add(client, "09:00", "10:00", doctorId=shah)
    closure = (
        await client.post(LAKESIDE, json={"startTime": at("00:00", 1), "endTime": at("00:00", 2)}, headers=ADMIN)
    ).headers["Location"]
    other = (await client.post("/api/clinics/1/doctors", json={"name": "Dr Rao"}, headers=ADMIN)).json()["id"]
    tuesday = (COMING_MONDAY + timedelta(days=1)).isoformat()
    for query, expected in [
        ({}, [monday, closure]),
        ({"to": COMING_MONDAY.isoformat()}, [monday]),
        ({"from": tuesday}, [closure]),
        ({"from": tuesday, "to": tuesday}, [closure]),
        ({"from": (COMING_MONDAY + timedelta(days=2)).isoformat()}, []),
        ({"doctorId": shah}, [monday, closure]),
        ({"doctorId": other}, [closure]),
    ]:
        found = (await client.get(LAKESIDE, params=query, headers=ADMIN)).json()["items"]
        assert [f"/api/absences/{absence['id']}" for absence in found] == expected, query
    assert (await client.get(LAKESIDE, params={"from": tuesday, "to": "2026-01-01"}, headers=ADMIN)).status_code == 400
