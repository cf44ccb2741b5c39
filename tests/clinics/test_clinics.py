import json

from support.app import ADMIN
from support.rows import clinic as add_clinic
from support.rows import doctor, later, publish

LAKESIDE = {"name": "Lakeside Clinic", "timeZone": "Europe/Berlin"}


async def test_a_created_clinic_can_be_read_back(client):
    made = await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    assert (await client.get(made.headers["Location"])).json() == made.json()


async def test_a_new_clinic_has_the_default_policy(client):
    clinic = (await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)).json()
    assert clinic["policy"] == {
        "slotStepMinutes": 15,
        "minNoticeMinutes": 0,
        "horizonDays": 56,
        "cancelNoticeMinutes": 0,
        "requireVersion": False,
        "doctorChoice": "random",
        "retainPatientsMonths": None,
        "retainMessagesDays": 365,
    }


async def test_only_the_administrator_creates_clinics(client):
    assert (await client.post("/api/clinics", json=LAKESIDE)).status_code == 401


async def test_two_clinics_cannot_share_a_slug(client):
    await client.post("/api/clinics", json=LAKESIDE | {"slug": "lakeside"}, headers=ADMIN)
    refused = await client.post("/api/clinics", json=LAKESIDE | {"slug": "lakeside"}, headers=ADMIN)
    assert refused.json()["reason"] == "slug-taken"


async def test_a_change_of_an_older_version_is_refused(client):
    await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    await client.patch("/api/clinics/1", json={"name": "Seaside"}, headers=ADMIN)
    assert (
        await client.patch("/api/clinics/1", json={"name": "Hillside"}, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412


async def test_a_deactivated_clinic_leaves_the_list_and_stays_readable(client):
    await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert (await client.get("/api/clinics")).json()["items"] == []
    assert (await client.get("/api/clinics/1")).json()["active"] is False


async def test_a_replaced_clinic_takes_the_default_for_what_is_left_out(client):
    at = (
        await client.post(
            "/api/clinics", json=LAKESIDE | {"phone": "030 123456", "policy": {"horizonDays": 7}}, headers=ADMIN
        )
    ).headers["Location"]
    replaced = (
        await client.put(at, json={"name": "Seaside Clinic", "timeZone": "Europe/Madrid"}, headers=ADMIN)
    ).json()
    assert (replaced["name"], replaced["timeZone"], replaced["phone"], replaced["policy"]["horizonDays"]) == (
        "Seaside Clinic",
        "Europe/Madrid",
        None,
        56,
    )


async def test_a_patch_reaches_into_the_policy_and_leaves_the_rest(client):
    made = await client.post("/api/clinics", json=LAKESIDE | {"policy": {"horizonDays": 7}}, headers=ADMIN)
    patch = b'{"policy": {"slotStepMinutes": 20}, "address": "Lake Road 1"}'
    patched = await client.patch(
        made.headers["Location"], content=patch, headers=ADMIN | {"Content-Type": "application/merge-patch+json"}
    )
    before, after = made.json(), patched.json()
    assert after == before | {
        "address": "Lake Road 1",
        "policy": before["policy"] | {"slotStepMinutes": 20},
        "version": 2,
        "updatedAt": after["updatedAt"],
    }


async def test_clinics_are_found_by_a_part_of_the_name(client):
    for name in ("Lakeside Clinic", "Praxis am SEE", "50 % Clinic"):
        await client.post("/api/clinics", json=LAKESIDE | {"name": name}, headers=ADMIN)

    async def found(q):
        return [clinic["name"] for clinic in (await client.get("/api/clinics", params={"q": q})).json()["items"]]

    assert await found("clinic") == ["Lakeside Clinic", "50 % Clinic"]
    assert await found("see") == ["Praxis am SEE"]
    assert await found("%") == ["50 % Clinic"]


async def test_a_clinic_with_published_hours_stays_in_its_time_zone(client, db):
    at = (await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)).headers["Location"]
    shah = await doctor(client)
    await publish(db, shah, later(24), later(25))
    refused = await client.patch(at, json={"timeZone": "Europe/Madrid"}, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "slots-published")
    assert (
        await client.patch(at, json={"timeZone": "Europe/Berlin", "name": "Seaside Clinic"}, headers=ADMIN)
    ).status_code == 200
    await db.execute("update booking_slot set removed_at = now()")
    assert (await client.patch(at, json={"timeZone": "Europe/Madrid"}, headers=ADMIN)).status_code == 200


async def test_deactivating_a_clinic_appends_one_event_with_the_deactivated_parts(client, db):
    await add_clinic(client)
    await doctor(client)
    await client.delete("/api/clinics/1?cascade=true", headers=ADMIN)
    events = [
        (row.subject_id, row.data)
        for row in await db.fetch("select subject_id, data::text from event where type = 'clinic.deactivated'")
    ]
    assert [(subject, json.loads(data)) for subject, data in events] == [("1", {"doctors": 1, "timeSlots": 0})]
