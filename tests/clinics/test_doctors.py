"""Doctors over HTTP."""

import asyncio
import json

import pytest

from support.app import ADMIN
from support.sign_in_codes import enter_code, request_code
from support.staff import sign_in_receptionist
from support.world import create_appointment_type, create_clinic, create_customer, create_doctor

SHAH = {"name": "Dr Shah"}


@pytest.fixture
async def lakeside(client):
    """Create a clinic and return the path of its doctors."""
    return f"/api/clinics/{await create_clinic(client)}/doctors"


async def test_a_created_doctor_can_be_read_back(client, lakeside):
    response = await client.post(
        lakeside, json=SHAH | {"specialty": "Dermatology", "email": "shah@example.org"}, headers=ADMIN
    )
    assert response.status_code == 201
    assert (await client.get(response.headers["Location"], headers=ADMIN)).json() == response.json()


async def test_a_created_doctor_has_the_members_from_the_request(client, lakeside):
    content = SHAH | {"specialty": "Dermatology", "email": "shah@example.org"}
    created = (await client.post(lakeside, json=content, headers=ADMIN)).json()
    assert (
        content | {"clinicId": 1, "version": 1, "appointmentTypeIds": None, "active": True, "removedAt": None}
    ).items() <= created.items()


async def test_names_are_stored_unchanged(client, lakeside):
    for name in ["د. ليلى حداد", "Dr 🦷 Müller", "王伟 医生", "Zoë\u0301"]:
        assert (await client.get(f"/api/doctors/{await create_doctor(client, name=name)}")).json()["name"] == name


async def test_an_invalid_member_is_reported(client, lakeside):
    for invalid, pointer in [
        ({"name": ""}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": "\ud800"}, "#/name"),
        ({"specialty": " "}, "#/specialty"),
        ({"email": "shah"}, "#/email"),
        ({"appointmentTypeIds": []}, "#/appointmentTypeIds"),
        ({"appointmentTypeIds": ["x"]}, "#/appointmentTypeIds/0"),
        ({"appointmentTypeIds": "00000001-0000-8000-8000-000000000000"}, "#/appointmentTypeIds"),
        ({"appointmentTypeIds": ["00000001-0000-8000-8000-000000000000"]}, "#/appointmentTypeIds/0"),
        ({"colour": "red"}, "#/colour"),
    ]:
        refusal = await client.post(
            lakeside, content=json.dumps(SHAH | invalid), headers=ADMIN | {"Content-Type": "application/json"}
        )
        assert (refusal.status_code, [error["pointer"] for error in refusal.json()["errors"]]) == (400, [pointer]), (
            invalid
        )


async def test_anonymous_callers_cannot_change_doctors(client, lakeside):
    address = f"/api/doctors/{await create_doctor(client)}"
    assert (await client.post(lakeside, json=SHAH)).status_code == 401
    assert (await client.put(address, json=SHAH)).status_code == 401
    assert (await client.patch(address, json={})).status_code == 401
    assert (await client.delete(address)).status_code == 401


async def test_an_unknown_clinics_doctors_are_not_found(client):
    assert (await client.get("/api/clinics/7/doctors")).status_code == 404
    assert (await client.post("/api/clinics/7/doctors", json=SHAH, headers=ADMIN)).status_code == 404


async def test_an_inactive_clinic_does_not_accept_new_doctors(client, lakeside):
    await client.delete("/api/clinics/1", headers=ADMIN)
    refusal = await client.post(lakeside, json=SHAH, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "clinic-inactive")


async def test_adding_a_doctor_and_deactivating_the_clinic_do_not_both_succeed(client, lakeside):
    addition, deactivation = await asyncio.gather(
        client.post(lakeside, json=SHAH, headers=ADMIN), client.delete("/api/clinics/1", headers=ADMIN)
    )
    assert (addition.status_code, deactivation.status_code) in [(201, 409), (409, 204)]


async def test_doctors_can_be_filtered_by_specialty_ignoring_case(client, lakeside):
    id = await create_doctor(client, specialty="Zahnärztin")
    await create_doctor(client, specialty="Dermatology")
    await create_doctor(client)
    assert [
        item["id"] for item in (await client.get(lakeside, params={"specialty": "ZAHNÄRZTIN"})).json()["items"]
    ] == [id]


async def test_a_doctors_appointment_types_are_sorted_and_unique(client, lakeside):
    types = sorted([await create_appointment_type(client), await create_appointment_type(client)])
    id = await create_doctor(client, appointmentTypeIds=[types[1], types[0], types[1]])
    assert (await client.get(f"/api/doctors/{id}")).json()["appointmentTypeIds"] == types


async def test_another_clinics_type_is_refused(client, lakeside):
    await create_clinic(client)
    own, foreign = await create_appointment_type(client), await create_appointment_type(client, 2)
    refusal = await client.post(lakeside, json=SHAH | {"appointmentTypeIds": [own, foreign]}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["errors"][0]["pointer"]) == (400, "#/appointmentTypeIds/1")


async def test_a_refused_doctor_is_not_stored(client, lakeside):
    await client.post(
        lakeside, json=SHAH | {"appointmentTypeIds": ["00000001-0000-8000-8000-000000000000"]}, headers=ADMIN
    )
    assert (await client.get(lakeside)).json()["items"] == []


async def test_changing_a_doctors_appointment_types_creates_a_new_version(client, lakeside):
    first, second = await create_appointment_type(client), await create_appointment_type(client)
    address = f"/api/doctors/{await create_doctor(client, appointmentTypeIds=[first])}"
    restricted = (await client.patch(address, json={"appointmentTypeIds": [second]}, headers=ADMIN)).json()
    assert (restricted["version"], restricted["appointmentTypeIds"]) == (2, [second])
    unrestricted = (await client.patch(address, json={"appointmentTypeIds": None}, headers=ADMIN)).json()
    assert (unrestricted["version"], unrestricted["appointmentTypeIds"]) == (3, None)


async def test_a_patch_to_other_members_keeps_the_appointment_types(client, lakeside):
    type = await create_appointment_type(client)
    address = f"/api/doctors/{await create_doctor(client, appointmentTypeIds=[type])}"
    await client.delete(f"/api/appointmentTypes/{type}", headers=ADMIN)
    assert (await client.patch(address, json={"name": "Dr S. Shah"}, headers=ADMIN)).json()["appointmentTypeIds"] == [
        type
    ]


async def test_replacing_a_doctor_resets_omitted_members(client, lakeside):
    id = await create_doctor(
        client,
        specialty="Dermatology",
        email="shah@example.org",
        appointmentTypeIds=[await create_appointment_type(client)],
    )
    replacement = (await client.put(f"/api/doctors/{id}", json={"name": "Dr Rao"}, headers=ADMIN)).json()
    assert [replacement[name] for name in ("name", "specialty", "email", "appointmentTypeIds", "version")] == [
        "Dr Rao",
        None,
        None,
        None,
        2,
    ]


async def test_an_id_without_a_clinic_is_not_found(client):
    for id in [
        "00000007-0000-8000-8000-000000000000",
        "ffffffff-0000-8000-8000-000000000000",
        "00000000-0000-0000-0000-000000000000",
    ]:
        assert (await client.get(f"/api/doctors/{id}")).status_code == 404
        assert (await client.put(f"/api/doctors/{id}", json=SHAH, headers=ADMIN)).status_code == 404
        assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 404


async def test_an_id_with_another_clinics_prefix_is_not_found(client, lakeside):
    await create_clinic(client)
    assert (await client.get(f"/api/doctors/00000002{(await create_doctor(client))[8:]}")).status_code == 404


async def test_a_change_to_an_outdated_version_is_refused(client, lakeside):
    address = f"/api/doctors/{await create_doctor(client)}"
    outdated = ADMIN | {"If-Match": (await client.get(address)).headers["ETag"]}
    assert (await client.patch(address, json={"name": "Dr Rao"}, headers=outdated)).status_code == 200
    assert (await client.patch(address, json={"name": "Dr Iyer"}, headers=outdated)).status_code == 412
    assert (await client.put(address, json=SHAH, headers=outdated)).status_code == 412
    assert (await client.delete(address, headers=outdated)).status_code == 412


async def test_only_one_of_two_concurrent_changes_to_a_version_succeeds(client, lakeside):
    address = f"/api/doctors/{await create_doctor(client)}"
    responses = await asyncio.gather(
        *(
            client.patch(address, json={"name": name}, headers=ADMIN | {"If-Match": '"v1"'})
            for name in ("Dr Rao", "Dr Iyer")
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 412]


async def test_a_clinic_can_require_versions(client):
    await create_clinic(client, policy={"requireVersion": True})
    address = f"/api/doctors/{await create_doctor(client)}"
    assert (await client.put(address, json=SHAH, headers=ADMIN)).status_code == 428
    assert (await client.delete(address, headers=ADMIN)).status_code == 428
    assert (
        await client.patch(address, json={"name": "Dr Rao"}, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 200


async def test_a_repeated_request_returns_the_current_doctor(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    response = await client.post(lakeside, json=SHAH, headers=key)
    await client.patch(response.headers["Location"], json={"specialty": "Dermatology"}, headers=ADMIN)
    replay = await client.post(lakeside, json=SHAH, headers=key)
    assert (replay.status_code, replay.headers["Idempotent-Replayed"], replay.json()["specialty"]) == (
        201,
        "true",
        "Dermatology",
    )


async def test_identical_concurrent_requests_create_one_doctor(client, lakeside):
    responses = await asyncio.gather(
        *(client.post(lakeside, json=SHAH, headers=ADMIN | {"Idempotency-Key": "once"}) for _ in range(2))
    )
    assert len({response.json()["id"] for response in responses}) == 1
    assert len((await client.get(lakeside)).json()["items"]) == 1


async def test_a_refused_request_does_not_use_up_its_idempotency_key(client, lakeside):
    key = ADMIN | {"Idempotency-Key": "once"}
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert (await client.post(lakeside, json=SHAH, headers=key)).status_code == 409
    await client.patch("/api/clinics/1", json={"active": True}, headers=ADMIN)
    assert (await client.post(lakeside, json=SHAH, headers=key)).status_code == 201


async def test_list_pages_stay_stable_under_inserts(client, lakeside):
    first = [await create_doctor(client, name=f"Dr {n}") for n in range(3)]
    page = (await client.get(lakeside, params={"limit": 2})).json()
    added = await create_doctor(client)
    rest = (await client.get(lakeside, params={"limit": 2, "cursor": page["next"]})).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == [*first, added]


async def test_a_cursor_from_another_list_is_refused(client, lakeside):
    await create_clinic(client)
    await create_doctor(client)
    await create_doctor(client)
    cursor = (await client.get(lakeside, params={"limit": 1})).json()["next"]
    for list in ("/api/clinics/2/doctors", "/api/clinics/1/appointmentTypes"):
        assert (await client.get(list, params={"limit": 1, "cursor": cursor})).status_code == 400
    assert (
        await client.get(lakeside, params={"limit": 1, "specialty": "Dermatology", "cursor": cursor})
    ).status_code == 400


async def test_an_invalid_query_is_refused(client, lakeside):
    for query in ["limit=0", "limit=1000000000", "cursor=forged", "active=2", "name=Shah", "specialty=a&specialty=b"]:
        assert (await client.get(f"{lakeside}?{query}")).status_code == 400, query


async def test_only_the_clinic_sees_doctors_email_addresses(db, client, lakeside):
    shah = await create_doctor(client, email="shah@example.org")
    await create_clinic(client, name="Hillside")
    reception = await sign_in_receptionist(db, client)
    elsewhere = await sign_in_receptionist(db, client, "rita@example.org", 2)
    patient = await create_customer(client, email="ana@example.org")
    session = (await enter_code(client, await request_code(client))).json()["session"]
    assert session["account"]["customerId"] == patient
    callers = [ADMIN, reception, None, elsewhere, {"Authorization": f"Bearer {session['token']}"}]
    emails = [
        (
            (await client.get(f"/api/doctors/{shah}", headers=headers)).json()["email"],
            (await client.get(lakeside, headers=headers)).json()["items"][0]["email"],
        )
        for headers in callers
    ]
    assert emails == [("shah@example.org",) * 2] * 2 + [(None, None)] * 3
    caches = [(await client.get(lakeside, headers=headers)).headers["Cache-Control"] for headers in (reception, None)]
    assert caches == ["no-store", "public, no-cache"]
