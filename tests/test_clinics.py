from conftest import ADMIN

LAKESIDE = {"name": "Lakeside Clinic", "timeZone": "Europe/Berlin"}


async def test_a_clinic_is_founded_and_found_again(client):
    made = await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    assert (await client.get(made.headers["Location"])).json() == made.json()


async def test_a_new_clinic_has_the_default_policy(client):
    clinic = (await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)).json()
    assert clinic["policy"] == {
        "slotStepMinutes": 15, "minNoticeMinutes": 0, "horizonDays": 56, "cancelNoticeMinutes": 0, "requireVersion": False, "doctorChoice": "random",
    }  # fmt: skip


async def test_only_the_administrator_founds_clinics(client):
    assert (await client.post("/api/clinics", json=LAKESIDE)).status_code == 401


async def test_two_clinics_cannot_share_a_slug(client):
    await client.post("/api/clinics", json=LAKESIDE | {"slug": "lakeside"}, headers=ADMIN)
    refused = await client.post("/api/clinics", json=LAKESIDE | {"slug": "lakeside"}, headers=ADMIN)
    assert refused.json()["reason"] == "slug-taken"


async def test_a_change_of_an_older_version_is_refused(client):
    await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    await client.patch("/api/clinics/1", json={"name": "Seaside"}, headers=ADMIN)
    assert (await client.patch("/api/clinics/1", json={"name": "Hillside"}, headers=ADMIN | {"If-Match": '"v1"'})).status_code == 412


async def test_a_deactivated_clinic_leaves_the_list_and_stays_readable(client):
    await client.post("/api/clinics", json=LAKESIDE, headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert (await client.get("/api/clinics")).json()["items"] == []
    assert (await client.get("/api/clinics/1")).json()["active"] is False
