"""Without scripts, staff change an appointment with the forms on its page."""

from datetime import timedelta

import pytest

from support.app import ADMIN
from support.staff import sign_in_receptionist
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, insert_appointment, publish_slot

DAY = hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)
LATER = DAY + timedelta(hours=2)


@pytest.fixture
async def page(db, client):
    await create_clinic(client)
    doctor_id, customer_id = await create_doctor(client), await create_customer(client, name="Ana Ibarra")
    await publish_slot(db, doctor_id, DAY, DAY + timedelta(hours=4))
    await insert_appointment(db, doctor_id, customer_id, DAY, DAY + timedelta(minutes=30))
    return f"/staff/1/appointments/{await db.fetchval('select id from appointment')}"


async def send(client, page: str, headers, **fields):
    return await client.post(page, data=fields, headers=headers)


async def read(client, page: str):
    return (await client.get(f"/api/appointments/{page.rpartition('/')[2]}", headers=ADMIN)).json()


async def test_the_page_offers_the_steps_and_free_times(client, page):
    html = (await client.get(page, headers=ADMIN | {"Accept-Language": "en"})).text
    assert "Ana Ibarra" in html
    assert 'value="arrive"' in html
    assert f'value="{LATER:%Y-%m-%dT%H:%M:%SZ}"' in html
    assert 'value="undo"' not in html


async def test_a_status_is_changed_and_undone(db, client, page):
    headers = await sign_in_receptionist(db, client)
    for act, status in (("arrive", "arrived"), ("enterRoom", "checked-in"), ("undo", "arrived")):
        response = await send(client, page, headers, act=act)
        assert (response.status_code, response.headers["location"]) == (303, page)
        assert await db.fetchval("select status from appointment") == status


async def test_an_appointment_is_rescheduled(db, client, page):
    headers = await sign_in_receptionist(db, client)
    start = f"{LATER:%Y-%m-%dT%H:%M:%SZ}"
    assert (await send(client, page, headers, act=start, version="1")).status_code == 303
    assert await db.fetchval("select lower(during) from appointment") == LATER


async def test_an_appointment_is_cancelled_with_a_reason(db, client, page):
    headers = await sign_in_receptionist(db, client)
    assert (await send(client, page, headers, act="cancel", version="1", reason="Feels better")).status_code == 303
    appointment = await read(client, page)
    assert (appointment["status"], appointment["cancelReason"]) == ("cancelled", "Feels better")


async def test_staff_notes_are_stored_separately_from_the_patients(db, client, page):
    headers = await sign_in_receptionist(db, client)
    assert (await send(client, page, headers, act="notes", version="1", notes="Call first")).status_code == 303
    appointment = await read(client, page)
    assert (appointment["notes"], appointment["staffNotes"]) == (None, "Call first")


async def test_a_refused_change_is_explained_on_the_page(db, client, page):
    headers = await sign_in_receptionist(db, client)
    response = await send(client, page, headers | {"Accept-Language": "en"}, act="unarrive")
    assert response.status_code == 409
    assert 'role="alert"' in response.text


async def test_an_unknown_change_is_not_found(db, client, page):
    headers = await sign_in_receptionist(db, client)
    assert (await send(client, page, headers, act="explode")).status_code == 404
