"""Staff who enter their own address for a patient cannot export or erase that patient's data."""

import pytest

from appoint.oversight.privacy.service import CORRECTION_WAIT
from support.app import ADMIN
from support.patient_pages import sign_in
from support.staff import sign_in_receptionist, type_of
from support.world import create_clinic, create_customer


@pytest.fixture
async def ana(db, client) -> str:
    """A patient of the first clinic only, with an address that no one has confirmed."""
    await create_clinic(client)
    id = await create_customer(client, name="Ana", email="ana@example.org")
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", id)
    return id


async def session_at(client, address: str) -> dict[str, str]:
    cookie = (await sign_in(client, address))["Cookie"]
    client.cookies.clear()
    return {"Authorization": f"Bearer {cookie.partition('=')[2]}"}


async def correct(db, client, id: str) -> dict[str, str]:
    """Correct the patient's address as reception, and sign in with the new one."""
    reception = await sign_in_receptionist(db, client)
    body = {"email": "eve@example.org"}
    response = await client.patch(f"/api/clinics/1/patients/{id}", json=body, headers=reception)
    assert response.status_code == 200, response.text
    return await session_at(client, "eve@example.org")


async def test_a_corrected_address_permits_neither_export_nor_erasure_for_two_weeks(client, db, ana):
    headers = await correct(db, client, ana)
    refused = (409, "address-corrected")
    assert type_of(await client.get(f"/api/customers/{ana}/export", headers=headers)) == refused
    assert type_of(await client.post(f"/api/customers/{ana}/erase", headers=headers)) == refused
    assert (await client.get(f"/api/customers/{ana}/export", headers=ADMIN)).status_code == 200
    await db.execute("update patient_correction set created_at = created_at - $1::interval", CORRECTION_WAIT)
    assert (await client.get(f"/api/customers/{ana}/export", headers=headers)).status_code == 200
    assert (await client.post(f"/api/customers/{ana}/erase", headers=headers)).status_code == 200


async def test_setting_another_address_afterwards_does_not_end_the_wait(client, db, ana):
    headers = await correct(db, client, ana)
    await db.execute("update customer set email = 'other@example.org' where id = $1", ana)
    assert (await client.post(f"/api/customers/{ana}/erase", headers=headers)).status_code == 409


async def test_a_persons_own_export_and_erasure_are_in_every_clinics_audit_log(client, db, ana):
    headers = await session_at(client, "ana@example.org")
    await client.get(f"/api/customers/{ana}/export", headers=headers)
    await client.post(f"/api/customers/{ana}/erase", headers=headers)
    rows = await db.fetch(
        "select clinic_id, action from audit_unsealed where action in ('exportCustomer', 'eraseCustomer') order by 1, 2"
    )
    assert [tuple(row) for row in rows] == [
        (0, "eraseCustomer"),
        (0, "exportCustomer"),
        (1, "eraseCustomer"),
        (1, "exportCustomer"),
    ]


async def test_a_sign_in_in_the_two_weeks_after_a_correction_is_in_the_clinics_audit_log(client, db, ana):
    await correct(db, client, ana)
    assert await sign_ins(db) == [(0, ana), (1, ana)]
    await db.execute("update patient_correction set created_at = created_at - $1::interval", CORRECTION_WAIT)
    await session_at(client, "eve@example.org")
    assert await sign_ins(db) == [(0, ana), (0, ana), (1, ana)]


async def sign_ins(db) -> list[tuple[int, str]]:
    rows = await db.fetch("select clinic_id, subjects from audit_unsealed where action like 'signInByCode%'")
    return sorted((row.clinic_id, row.subjects[1]) for row in rows)


async def test_a_sign_in_without_a_correction_is_only_in_the_platforms_audit_log(client, db, ana):
    await session_at(client, "ana@example.org")
    assert await sign_ins(db) == [(0, ana)]
