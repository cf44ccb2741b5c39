"""A clinic's staff correct patients' details, without changing what belongs to the patients themselves."""

import pytest

from support.app import ADMIN
from support.staff import sign_in_receptionist
from support.world import create_clinic, create_customer

PATIENTS = "/api/clinics/1/patients"


@pytest.fixture
async def reception(db, client):
    await create_clinic(client)
    await create_clinic(client)
    return await sign_in_receptionist(db, client)


@pytest.fixture
async def ana(db, client, reception) -> str:
    """A patient of the first clinic only, with a mistyped address that has not been confirmed."""
    id = await create_customer(client, name="Ana Sousa", email="ana@exmaple.org", phone="+493012345678")
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", id)
    return id


async def correct(client, id, headers, **details):
    return await client.patch(f"{PATIENTS}/{id}", json=details, headers=headers)


async def own_details(client, id) -> tuple[str, str, str]:
    body = (await client.get(f"/api/customers/{id}", headers=ADMIN)).json()
    return body["name"], body["email"], body["phone"]


async def test_the_only_clinic_that_knows_an_unconfirmed_person_corrects_their_own_record(client, db, reception, ana):
    response = await correct(client, ana, reception, name="Ana Souza", email="ana@example.org", phone="030 1234 5679")
    assert response.status_code == 200, response.text
    assert await own_details(client, ana) == ("Ana Souza", "ana@example.org", "+493012345679")
    assert await db.fetchval("select count(*) from patient where corrected_id is not null") == 0


async def test_a_confirmed_person_keeps_their_own_details(client, db, reception, ana):
    await db.execute("update customer set email_confirmed_at = now() where id = $1", ana)
    body = (await correct(client, ana, reception, name="Ana Souza", email="ana@example.org")).json()
    assert (body["name"], body["email"]) == ("Ana Souza", "ana@example.org")
    assert await own_details(client, ana) == ("Ana Sousa", "ana@exmaple.org", "+493012345678")


async def test_a_person_known_at_another_clinic_keeps_their_details_there(client, db, reception, ana):
    await db.execute("insert into patient (clinic_id, customer_id) values (2, $1)", ana)
    await correct(client, ana, reception, email="ana@example.org")
    assert await own_details(client, ana) == ("Ana Sousa", "ana@exmaple.org", "+493012345678")
    there = (await client.get(f"/api/clinics/2/patients/{ana}", headers=ADMIN)).json()
    assert there["email"] == "ana@exmaple.org"


async def test_patients_are_found_by_their_corrected_details(client, db, reception, ana):
    await db.execute("update customer set email_confirmed_at = now() where id = $1", ana)
    await correct(client, ana, reception, name="Anna Suarez")
    for q, names in (("suarez", ["Anna Suarez"]), ("sousa", [])):
        found = (await client.get(PATIENTS, params={"q": q}, headers=reception)).json()["items"]
        assert [patient["name"] for patient in found] == names


async def test_a_clinic_cannot_delete_a_persons_own_phone_number(client, db, reception, ana):
    await db.execute("update customer set email_confirmed_at = now() where id = $1", ana)
    response = await correct(client, ana, reception, phone=None)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "#/phone")


async def test_a_persons_own_change_replaces_the_clinics_correction(client, db, reception, ana):
    await db.execute("update customer set email_confirmed_at = now() where id = $1", ana)
    await correct(client, ana, reception, name="Anna Suarez", phone="+493012345670")
    await client.patch(f"/api/customers/{ana}", json={"phone": "+493012345671"}, headers=ADMIN)
    body = (await client.get(f"{PATIENTS}/{ana}", headers=reception)).json()
    assert (body["name"], body["phone"]) == ("Anna Suarez", "+493012345671")


async def test_each_correction_is_listed_with_its_old_and_new_value(client, reception, ana):
    await correct(client, ana, reception, phone="030 1234 5679", birthDate="1984-02-29")
    response = await client.get(f"{PATIENTS}/{ana}/corrections", headers=reception)
    assert [(each["detail"], each["oldValue"], each["newValue"]) for each in response.json()["items"]] == [
        ("birthDate", None, "1984-02-29"),
        ("phone", "+493012345678", "+493012345679"),
    ]
    assert all(each["actor"].startswith("user:") for each in response.json()["items"])


async def test_notes_are_not_corrections(client, reception, ana):
    await correct(client, ana, reception, notes="Afraid of needles", name="Ana Sousa")
    assert (await client.get(f"{PATIENTS}/{ana}/corrections", headers=reception)).json()["items"] == []


async def test_details_follow_the_same_rules_as_at_registration(client, reception, ana):
    for details, pointer in (({"phone": "123"}, "#/phone"), ({"birthDate": "2999-01-01"}, "#/birthDate")):
        response = await correct(client, ana, reception, **details)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_another_clinics_patient_cannot_be_corrected(client, db, reception):
    id = await create_customer(client)
    await db.execute("insert into patient (clinic_id, customer_id) values (2, $1)", id)
    assert (await correct(client, id, reception, name="Mallory")).status_code == 404


async def test_erasing_a_person_erases_all_corrections(client, db, reception, ana):
    await db.execute("update customer set email_confirmed_at = now() where id = $1", ana)
    await correct(client, ana, reception, name="Anna Suarez")
    assert (await client.post(f"/api/customers/{ana}/erase", headers=ADMIN)).status_code == 200
    assert await db.fetchval("select count(*) from patient_correction") == 0
    body = (await client.get(f"{PATIENTS}/{ana}", headers=reception)).json()
    assert body["name"] == "(erased)"
    response = await correct(client, ana, reception, name="Anna Suarez")
    assert response.json()["type"] == "/problems/customer-erased"


async def test_reception_registers_a_patient_without_an_appointment(client, reception):
    body = {"name": "Ben Ito", "birthDate": "2019-05-01", "phone": "030 1234 5678", "recordNumber": "77"}
    response = await client.post(PATIENTS, json=body, headers=reception)
    assert response.status_code == 201, response.text
    patient = response.json()
    assert (patient["name"], patient["birthDate"], patient["phone"], patient["recordNumber"]) == (
        "Ben Ito",
        "2019-05-01",
        "+493012345678",
        "77",
    )
    assert response.headers["location"] == f"{PATIENTS}/{patient['id']}"
    taken = await client.post(PATIENTS, json={"name": "Cy", "recordNumber": "77"}, headers=reception)
    assert taken.json()["type"] == "/problems/record-number-taken"
