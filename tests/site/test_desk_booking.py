"""Without scripts, staff book appointments on a separate page."""

import re
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from support.staff import add_user, bearer, sign_in_receptionist, works_at
from support.world import (
    create_appointment_type,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    publish_slot,
)

DAY = hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)
PAGE = "/staff/1/book"


@pytest.fixture
async def desk(db, client):
    """A clinic with one free morning, and Ana, one of its patients."""
    await create_clinic(client)
    doctor_id, ana = await create_doctor(client, name="Dr Shah"), await create_customer(client, name="Ana Ibarra")
    type_id = await create_appointment_type(client)
    await publish_slot(db, doctor_id, DAY, DAY + timedelta(hours=4))
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", UUID(ana))
    headers = await sign_in_receptionist(db, client) | {"Accept-Language": "en"}

    async def show(**query):
        response = await client.get(PAGE, params=query, headers=headers)
        return SimpleNamespace(text=response.text, times=re.findall(r'name="act" value="(\d[^"]+)"', response.text))

    async def send(query=None, **fields):
        return await client.post(PAGE, params=query or {}, data=fields, headers=headers)

    return SimpleNamespace(doctor_id=doctor_id, ana=ana, type_id=type_id, show=show, send=send, headers=headers)


async def test_the_page_finds_patients_and_offers_the_next_free_times(desk):
    page = await desk.show(q="ibarra")
    assert f"patient={desk.ana}" in page.text
    assert page.times[0] == f"{DAY:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_patient_is_booked_at_a_free_time(db, desk):
    start = (await desk.show(patient=desk.ana)).times[1]
    response = await desk.send(
        {"patient": desk.ana}, act=start, notes="First thing", **{f"doctor-{start}": desk.doctor_id}
    )
    row = await db.fetchrow("select id, customer_id, appointment_type_id, notes from appointment")
    assert (response.status_code, response.headers["location"]) == (303, f"/staff/1/appointments/{row.id}")
    assert (str(row.customer_id), str(row.appointment_type_id)) == (desk.ana, desk.type_id)


async def test_a_new_patient_is_registered_with_the_booking(db, desk):
    start = (await desk.show()).times[0]
    fields = {"name": "Nele Neu", "birthDate": "1990-02-03", "act": start, f"doctor-{start}": desk.doctor_id}
    assert (await desk.send(**fields)).status_code == 303
    assert await db.fetchval("select count(*) from appointment") == 1


async def test_faults_are_next_to_their_fields_and_nothing_is_booked(db, desk):
    start = (await desk.show()).times[0]
    response = await desk.send(name="Nele Neu", phone="12", act=start, **{f"doctor-{start}": desk.doctor_id})
    assert response.status_code == 400
    assert "is not a valid phone number" in response.text
    assert await db.fetchval("select count(*) from appointment") == 0


async def test_a_taken_time_is_refused_and_the_new_patient_stays(db, desk):
    fields = {"act": "typed", "date": f"{DAY:%Y-%m-%d}", "time": "03:00", "whose": desk.doctor_id}
    response = await desk.send(name="Nele Neu", **fields)
    assert (response.status_code, 'name="registered"' in response.text) == (409, True)
    registered = re.search(r'name="registered" value="([^"]+)"', response.text)[1]
    start = (await desk.show()).times[0]
    assert (await desk.send(registered=registered, act=start, **{f"doctor-{start}": desk.doctor_id})).status_code == 303
    assert str(await db.fetchval("select customer_id from appointment")) == registered


async def test_doctors_book_only_for_themselves(db, client, desk):
    other = await create_doctor(client, name="Dr Other")
    await works_at(db, await add_user(db, "other@example.org"), role="doctor", doctor_id=UUID(other))
    headers = await bearer(client, "other@example.org")
    fields = {"act": f"{DAY:%Y-%m-%dT%H:%M:%SZ}", f"doctor-{DAY:%Y-%m-%dT%H:%M:%SZ}": desk.doctor_id}
    assert (await client.post(PAGE, data={"name": "Nele"} | fields, headers=headers)).status_code == 404
    assert (await client.get(PAGE, params={"doctor": desk.doctor_id}, headers=headers)).status_code == 404


async def test_a_booking_can_be_undone_on_the_appointments_page(db, desk, client):
    start = (await desk.show(patient=desk.ana)).times[0]
    response = await desk.send({"patient": desk.ana}, act=start, **{f"doctor-{start}": desk.doctor_id})
    page = response.headers["location"]
    assert "Undo booking" in (await client.get(page, headers=desk.headers)).text
    assert (await client.post(page, data={"act": "undo"}, headers=desk.headers)).status_code == 303
    assert await db.fetchval("select status from appointment") == "cancelled"
