"""The list of patients, and a patient's page, for reception."""

from datetime import timedelta

import pytest

from support.staff import sign_in_receptionist
from support.world import create_clinic, create_doctor, hours_ahead, insert_appointment, publish_slot

PATIENTS = "/staff/1/patients"


@pytest.fixture
async def reception(db, client):
    await create_clinic(client)
    return await sign_in_receptionist(db, client)


async def add(client, reception, name: str, **members) -> str:
    response = await client.post("/api/clinics/1/patients", json={"name": name, **members}, headers=reception)
    assert response.status_code == 201, response.text
    return response.json()["id"]


async def page(client, reception, path: str, **query) -> str:
    response = await client.get(path, params=query, headers=reception)
    assert response.status_code == 200, response.text
    return response.text


def positions(text: str, *names: str) -> list[int]:
    return [text.index(f">{name}</a>") for name in names]


async def test_patients_are_listed_by_name_with_formatted_phone_numbers(client, reception):
    for name in ("Zoë Adler", "ana souza", "Émile Roy"):
        await add(client, reception, name, phone="030 1234 5678")
    text = await page(client, reception, PATIENTS)
    order = positions(text, "ana souza", "Émile Roy", "Zoë Adler")
    assert order == sorted(order)
    assert ">030 12345678<" in text
    assert f'href="{PATIENTS}/new"' in text


async def test_the_list_can_be_limited_to_an_initial(client, reception):
    for name in ("Émile Roy", "Zoë Adler"):
        await add(client, reception, name)
    text = await page(client, reception, PATIENTS, initial="E")
    assert ("Émile Roy" in text, "Zoë Adler" in text) == (True, False)


async def test_a_patients_page_links_to_each_appointment_and_to_booking(client, db, reception):
    ana, doctor = await add(client, reception, "Ana Souza"), await create_doctor(client)
    start = hours_ahead(48).replace(minute=0, second=0)
    await publish_slot(db, doctor, start, start + timedelta(hours=1))
    await insert_appointment(db, doctor, ana, start, start + timedelta(minutes=30))
    appointment_id = await db.fetchval("select id from appointment")
    text = await page(client, reception, f"{PATIENTS}/{ana}")
    assert f"appointment={appointment_id}" in text
    assert f'href="/staff/1/day?patient={ana}"' in text


async def test_a_patients_page_suggests_records_to_join(client, reception):
    ana = await add(client, reception, "Ana Souza", birthDate="1984-02-29")
    anna = await add(client, reception, "Ana Sousa", birthDate="1984-02-29")
    text = await page(client, reception, f"{PATIENTS}/{ana}")
    assert "Probably the same as" in text
    assert f'data-api="POST /api/clinics/1/patients/{ana}/join"' in text
    await client.post(f"/api/clinics/1/patients/{ana}/join", json={"customerId": anna}, headers=reception)
    joined = await page(client, reception, f"{PATIENTS}/{ana}")
    assert ("Probably the same as" in joined, f"patients/{anna}/separate" in joined) == (False, True)


async def test_reception_lets_a_parent_book_for_a_patient(client, reception):
    mia = await add(client, reception, "Mia Souza", birthDate="2019-05-01")
    ana = await add(client, reception, "Ana Souza", birthDate="1984-02-29")
    text = await page(client, reception, f"{PATIENTS}/{mia}", guardian="souza")
    assert f'name="guardianId" value="{ana}"' in text
    assert f'name="guardianId" value="{mia}"' not in text
    path = f"/api/clinics/1/patients/{mia}/guardians"
    assert (await client.post(path, json={"guardianId": ana}, headers=reception)).status_code == 201
    assert "Stop Ana Souza from booking" in await page(client, reception, f"{PATIENTS}/{mia}")
