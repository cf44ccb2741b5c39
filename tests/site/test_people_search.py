"""Staff find patients by parts of their names."""

import re
from datetime import timedelta
from uuid import UUID

import pytest

from support.app import ADMIN
from support.staff import add_user, bearer, works_at
from support.world import (
    create_appointment_type,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    insert_appointment,
    publish_slot,
)

IN_ORDER = ["Adele Hansen", "Anne-Hanna Lind", "Hannah Zorn", "Johannes Abel"]
"""Whose names begin with "han" first, then those that only contain it."""
NAME = re.compile(r'patients/[0-9a-f-]{36}"(?: autofocus)?>([^<]+)<')


@pytest.fixture
async def doctor_id(db, client) -> str:
    """The doctor that Johannes Abel and Hannah Zorn have appointments with, in this order."""
    await create_clinic(client)
    await create_appointment_type(client)
    doctor_id = await create_doctor(client)
    start = hours_ahead(48).replace(minute=0, second=0, microsecond=0)
    await publish_slot(db, doctor_id, start, start + timedelta(hours=2))
    for name in ("Johannes Abel", "Adele Hansen", "Hannah Zorn", "Anne-Hanna Lind"):
        customer_id = await create_customer(client, name=name, phone="+493012345678")
        if name in ("Johannes Abel", "Hannah Zorn"):
            await insert_appointment(db, doctor_id, customer_id, start, start + timedelta(minutes=30))
            start += timedelta(minutes=30)
        await db.execute(
            "insert into patient (clinic_id, customer_id) values (1, $1) on conflict do nothing", UUID(customer_id)
        )
    return doctor_id


@pytest.mark.usefixtures("doctor_id")
async def test_names_that_begin_with_the_search_come_before_those_that_contain_it(client):
    page = await client.get("/staff/1/patients?q=han", headers=ADMIN)
    assert NAME.findall(page.text) == IN_ORDER
    page = await client.get("/staff/1/day/search?q=han", headers=ADMIN)
    assert NAME.findall(page.text) == ["Hannah Zorn", "Johannes Abel"]


@pytest.mark.usefixtures("doctor_id")
async def test_the_desk_suggests_patients_with_phone_numbers_as_people_dial_them(client):
    response = await client.get("/staff/1/people.json?q=han", headers=ADMIN | {"Accept-Language": "de-DE"})
    assert [(each["name"], each["description"]) for each in response.json()["items"]] == [
        (name, "030 12345678") for name in IN_ORDER
    ]


async def test_the_desk_suggests_doctors_only_their_own_patients(db, client, doctor_id):
    user_id = await add_user(db, "shah@example.org")
    await works_at(db, user_id, role="doctor", doctor_id=UUID(doctor_id))
    response = await client.get("/staff/1/people.json?q=han", headers=await bearer(client, "shah@example.org"))
    assert [each["name"] for each in response.json()["items"]] == ["Hannah Zorn", "Johannes Abel"]


@pytest.mark.usefixtures("doctor_id")
async def test_similar_patients_are_suggested_with_dates_and_phone_numbers_as_people_write_them(db, client):
    await db.execute("update customer set birth_date = '1984-02-29' where name = 'Adele Hansen'")
    german = ADMIN | {"Accept-Language": "de-DE"}
    typed = {"name": "Adele Hansn", "birthDate": "1984-02-29", "phone": "0", "email": "adele@"}
    response = await client.get("/staff/1/similar.json", params=typed, headers=german)
    assert [(each["name"], each["description"]) for each in response.json()["items"]] == [
        ("Adele Hansen", "geb. 29.02.1984 · 030 12345678")
    ]
    for incomplete in ({}, {"name": ""}, {"phone": "030 12345678"}):
        response = await client.get("/staff/1/similar.json", params=incomplete, headers=german)
        assert (response.status_code, response.json()["items"]) == (200, [])
