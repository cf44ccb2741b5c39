"""Clinics over HTTP."""

import json

import pytest

from support.app import ADMIN
from support.world import create_clinic, create_doctor, hours_ahead, publish_slot

LAKESIDE = {"name": "Lakeside Clinic", "timeZone": "Europe/Berlin"}


async def test_a_created_clinic_can_be_read_back(client):
    response = await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    assert (await client.get(response.headers["Location"])).json() == response.json()


async def test_a_new_clinic_has_the_default_policy(client):
    clinic = (await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)).json()
    assert clinic["policy"] == {
        "slotStepMinutes": 15,
        "minNoticeMinutes": 0,
        "horizonDays": 56,
        "cancelNoticeMinutes": 0,
        "requireVersion": False,
        "doctorChoice": "random",
        "confirmAddress": "always",
        "changeGraceMinutes": 15,
        "retainPatientsMonths": None,
        "retainMessagesDays": 365,
        "queue": "automatic",
    }


async def test_anonymous_callers_cannot_create_clinics(client):
    assert (await client.post("/api/clinics", json=LAKESIDE)).status_code == 401


async def test_two_clinics_cannot_share_a_slug(client):
    await client.post("/api/clinics", json=LAKESIDE | {"slug": "lakeside"}, headers=ADMIN)
    refusal = await client.post("/api/clinics", json=LAKESIDE | {"slug": "lakeside"}, headers=ADMIN)
    assert refusal.json()["reason"] == "slug-taken"


async def test_a_change_to_an_outdated_version_is_refused(client):
    await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    await client.patch("/api/clinics/1", json={"name": "Seaside"}, headers=ADMIN)
    assert (
        await client.patch("/api/clinics/1", json={"name": "Hillside"}, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412


async def test_a_deactivated_clinic_is_no_longer_listed_but_stays_readable(client):
    await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert (await client.get("/api/clinics")).json()["items"] == []
    assert (await client.get("/api/clinics/1")).json()["active"] is False


async def test_a_replaced_clinic_gets_defaults_for_omitted_members(client):
    path = (
        await client.post(
            "/api/clinics", json=LAKESIDE | {"phone": "030 123456", "policy": {"horizonDays": 7}}, headers=ADMIN
        )
    ).headers["Location"]
    clinic = (
        await client.put(path, json={"name": "Seaside Clinic", "timeZone": "Europe/Madrid"}, headers=ADMIN)
    ).json()
    assert (clinic["name"], clinic["timeZone"], clinic["phone"], clinic["policy"]["horizonDays"]) == (
        "Seaside Clinic",
        "Europe/Madrid",
        None,
        56,
    )


async def test_a_patch_can_change_individual_members_of_the_policy(client):
    response = await client.post("/api/clinics", json=LAKESIDE | {"policy": {"horizonDays": 7}}, headers=ADMIN)
    patch = b'{"policy": {"slotStepMinutes": 20}, "address": "Lake Road 1"}'
    response = await client.patch(
        response.headers["Location"], content=patch, headers=ADMIN | {"Content-Type": "application/merge-patch+json"}
    )
    before, after = response.json(), response.json()
    assert after == before | {
        "address": "Lake Road 1",
        "policy": before["policy"] | {"slotStepMinutes": 20},
        "version": 2,
        "updatedAt": after["updatedAt"],
    }


async def test_clinics_can_be_found_by_part_of_their_name(client):
    for name in ("Lakeside Clinic", "Praxis am SEE", "50 % Clinic"):
        await client.post("/api/clinics", json=LAKESIDE | {"name": name}, headers=ADMIN)

    async def search(q):
        return [clinic["name"] for clinic in (await client.get("/api/clinics", params={"q": q})).json()["items"]]

    assert await search("clinic") == ["Lakeside Clinic", "50 % Clinic"]
    assert await search("see") == ["Praxis am SEE"]
    assert await search("%") == ["50 % Clinic"]


async def test_a_clinic_with_published_hours_cannot_change_its_time_zone(client, db):
    path = (await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)).headers["Location"]
    shah = await create_doctor(client)
    await publish_slot(db, shah, hours_ahead(24), hours_ahead(25))
    refusal = await client.patch(path, json={"timeZone": "Europe/Madrid"}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "slots-published")
    assert (
        await client.patch(path, json={"timeZone": "Europe/Berlin", "name": "Seaside Clinic"}, headers=ADMIN)
    ).status_code == 200
    await db.execute("update booking_slot set removed_at = now()")
    assert (await client.patch(path, json={"timeZone": "Europe/Madrid"}, headers=ADMIN)).status_code == 200


async def test_deactivating_a_clinic_records_one_event_with_the_deactivated_parts(client, db):
    await create_clinic(client)
    await create_doctor(client)
    await client.delete("/api/clinics/1?cascade=true", headers=ADMIN)
    events = [
        (row.subject_id, row.data)
        for row in await db.fetch("select subject_id, data::text from event where type = 'clinic.deactivated'")
    ]
    assert [(subject, json.loads(data)) for subject, data in events] == [("1", {"doctors": 1, "timeSlots": 0})]


@pytest.mark.parametrize("q", ["zurich", "ZÜRICH", "Zu\u0308rich"])
async def test_a_clinic_is_found_however_its_accents_are_encoded(client, q):
    await create_clinic(client, name="Praxis Zürich")
    found = (await client.get("/api/clinics", params={"q": q})).json()["items"]
    assert [clinic["name"] for clinic in found] == ["Praxis Zürich"]


@pytest.mark.parametrize("specialty", ["pediatria", "PEDIATRÍA", "Pediatri\u0301a"])
async def test_doctors_are_found_however_their_specialtys_accents_are_encoded(client, specialty):
    await create_clinic(client)
    await create_doctor(client, name="Dra. Núñez", specialty="Pediatría")
    found = (await client.get("/api/clinics/1/doctors", params={"specialty": specialty})).json()["items"]
    assert [doctor["name"] for doctor in found] == ["Dra. Núñez"]
