"""Events report every change that affects what can be booked."""

import json

from support.app import ADMIN
from support.world import create_clinic, create_doctor


async def events(db, prefix):
    rows = await db.fetch(
        "select type, subject_id, subject_version, data::text from event where type like $1 || '.%' order by id", prefix
    )
    return [(row.type, row.subject_id, row.subject_version, json.loads(row.data)) for row in rows]


async def test_each_change_to_a_doctor_is_an_event(client, db):
    await create_clinic(client)
    doctor = await create_doctor(client)
    path = f"/api/doctors/{doctor}"
    await client.patch(path, json={"name": "Dr Nora Stein"}, headers=ADMIN)
    await client.delete(path, headers=ADMIN)
    await client.patch(path, json={"active": True}, headers=ADMIN)
    assert await events(db, "doctor") == [
        ("doctor.added", doctor, 1, {"active": True}),
        ("doctor.changed", doctor, 2, {"active": True}),
        ("doctor.removed", doctor, 3, {"active": False}),
        ("doctor.changed", doctor, 4, {"active": True}),
    ]


async def test_each_change_to_an_appointment_type_is_an_event(client, db):
    await create_clinic(client)
    body = {"name": "First visit", "minutes": 30}
    added = await client.post("/api/clinics/1/appointmentTypes", json=body, headers=ADMIN)
    path, type = added.headers["Location"], added.json()["id"]
    await client.patch(path, json={"minutes": 45}, headers=ADMIN)
    await client.delete(path, headers=ADMIN)
    await client.delete(path, headers=ADMIN)  # no change, no event
    assert await events(db, "appointment-type") == [
        ("appointment-type.added", type, 1, {"active": True}),
        ("appointment-type.changed", type, 2, {"active": True}),
        ("appointment-type.removed", type, 3, {"active": False}),
    ]


async def test_each_change_to_a_clinic_is_an_event(client, db):
    await create_clinic(client)
    await client.patch("/api/clinics/1", json={"name": "Seaside Clinic"}, headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    await client.patch("/api/clinics/1", json={"active": True}, headers=ADMIN)
    assert await events(db, "clinic") == [
        ("clinic.created", "1", 1, {}),
        ("clinic.changed", "1", 2, {"active": True}),
        ("clinic.deactivated", "1", 3, {"doctors": 0, "timeSlots": 0}),
        ("clinic.changed", "1", 4, {"active": True}),
    ]
