"""Customers can erase their data at once with a fresh code, except for records that clinics have to keep."""

from datetime import UTC, datetime, timedelta

import pytest

from appoint.http.access import PROOF_TTL
from appoint.kit import clock
from appoint.kit.key_ring import EncryptedField
from appoint.oversight.privacy import jobs
from support.app import ADMIN
from support.encryption import revealed
from support.manage_links import book, create_visit
from support.patient_pages import csrf_token_of, sign_in
from support.sign_in_codes import enter_code, request_code
from support.staff import sign_in_receptionist, type_of
from support.world import publish_slot

MONTHS = 120


@pytest.fixture
async def visit(db, client):
    """Ana has visited the clinic, and the clinic has written notes about her."""
    visit = await create_visit(db, client)
    await client.patch("/api/clinics/1", json={"policy": {"retainPatientsMonths": MONTHS}}, headers=ADMIN)
    await book(client, visit, notes="afraid of needles")
    december = datetime(2026, 12, 1, tzinfo=UTC)
    await publish_slot(db, visit["doctorId"], december + timedelta(hours=8), december + timedelta(hours=12))
    await db.execute(
        """
        update appointment
           set status = 'fulfilled', during = '[2026-12-01 09:00Z,2026-12-01 09:30Z)',
               claimed = '[2026-12-01 09:00Z,2026-12-01 09:30Z)'
        """
    )
    await db.execute("update patient set notes = 'likes tea', record_number = '7', created_at = '2026-11-01'")
    return visit


async def session_of(client) -> dict[str, str]:
    session = (await enter_code(client, await request_code(client))).json()["session"]
    return {"Authorization": f"Bearer {session['token']}"}


async def erase(client, visit, headers=None):
    headers = headers or await session_of(client)
    return await client.post(f"/api/customers/{visit['customerId']}/erase", headers=headers)


async def records(db) -> tuple:
    """Return the clinic's notes, the record number and the notes on the appointment."""
    row = await db.fetchrow(
        """
        select p.notes, record_number, a.notes as visit, a.id, p.clinic_id || '/' || p.customer_id as patient
          from patient p, appointment a
        """
    )
    return revealed(row, notes=EncryptedField.PATIENT_NOTES, visit=EncryptedField.APPOINTMENT_NOTES)


async def test_a_clinics_records_outlive_the_customer(client, db, visit):
    response = await erase(client, visit)
    assert (response.status_code, response.json()["erased"]["patients"], response.json()["erased"]["appointments"]) == (
        200,
        0,
        0,
    )
    assert response.json()["retained"] == [
        {"clinicId": 1, "clinic": "Lakeside Clinic", "until": "2036-12-01T09:30:00Z"}
    ]
    customer = await db.fetchrow("select name, email, erased_at from customer")
    assert (customer.name, customer.email, customer.erased_at is None) == ("(erased)", None, False)
    assert await records(db) == ("likes tea", "7", "afraid of needles")


async def test_a_clinic_without_a_retention_period_keeps_its_records(client, db, visit):
    await client.patch("/api/clinics/1", json={"policy": {"retainPatientsMonths": None}}, headers=ADMIN)
    assert (await erase(client, visit)).json()["retained"] == [
        {"clinicId": 1, "clinic": "Lakeside Clinic", "until": None}
    ]
    assert await records(db) == ("likes tea", "7", "afraid of needles")


async def test_the_records_are_erased_when_the_clinics_retention_period_ends(client, db, visit):
    await erase(client, visit)
    await jobs.forget(db, now=clock.now() + timedelta(days=MONTHS * 30))
    assert await records(db) == ("likes tea", "7", "afraid of needles")
    await jobs.forget(db, now=clock.now() + timedelta(days=MONTHS * 31))
    assert await records(db) == (None, None, None)


async def test_records_past_their_retention_period_are_erased_immediately(client, db, visit):
    await client.patch("/api/clinics/1", json={"policy": {"retainPatientsMonths": 1}}, headers=ADMIN)
    response = (await erase(client, visit)).json()
    assert (response["retained"], response["erased"]["patients"], await records(db)) == ([], 1, (None, None, None))


async def test_the_administrator_erases_the_records_too(client, db, visit):
    await erase(client, visit)
    response = (await erase(client, visit, ADMIN)).json()
    assert (response["erased"]["patients"], response["erased"]["appointments"]) == (1, 1)
    assert await records(db) == (None, None, None)


async def test_notes_cannot_be_added_about_an_erased_customer(client, db, visit):
    await erase(client, visit)
    reception = await sign_in_receptionist(db, client)
    path = f"/api/clinics/1/patients/{visit['customerId']}"
    assert (await client.get(path, headers=reception)).json()["notes"] == "likes tea"
    refusal = await client.patch(path, json={"notes": "likes coffee"}, headers=reception)
    assert (type_of(refusal), await records(db)) == (
        (409, "customer-erased"),
        ("likes tea", "7", "afraid of needles"),
    )


async def test_an_old_session_is_not_enough(client, db, visit):
    session = await session_of(client)
    await age_sessions(db)
    assert type_of(await erase(client, visit, session)) == (403, "proof-required")
    assert await db.fetchval("select name from customer") == "Ana"


async def age_sessions(db) -> None:
    """Make all sessions too old to count as proof of identity."""
    await db.execute("update session set created_at = created_at - $1::interval, proven_at = null", PROOF_TTL)


async def test_patients_can_erase_their_data_on_a_page(client, db, visit):
    headers = await sign_in(client)
    assert "/my/erase" in (await client.get("/my", headers=headers)).text
    page = (await client.get("/my/erase", headers=headers)).text
    assert ("Lakeside Clinic, until" in page, "Erase data" in page) == (True, True)
    token = await csrf_token_of(client, "/my/erase", headers)
    unsure = await client.post("/my/erase", data={"csrf": token}, headers=headers)
    assert (unsure.status_code, await db.fetchval("select name from customer")) == (303, "Ana")
    done = await client.post("/my/erase", data={"csrf": token, "sure": "1"}, headers=headers)
    assert (done.status_code, "Your data has been erased" in done.text, "Lakeside Clinic, until" in done.text) == (
        200,
        True,
        True,
    )
    assert (await db.fetchval("select name from customer"), await db.fetchval("select count(*) from session")) == (
        "(erased)",
        0,
    )


async def test_the_page_asks_for_a_new_code_first(client, db, visit):
    headers = await sign_in(client)
    await age_sessions(db)
    page = await client.get("/my/erase", headers=headers)
    assert (page.status_code, page.headers["Location"]) == (303, "/sign-in?next=%2Fmy%2Ferase")
    token = await csrf_token_of(client, "/my", headers)
    refused = await client.post("/my/erase", data={"csrf": token, "sure": "1"}, headers=headers)
    assert (refused.status_code, await db.fetchval("select name from customer")) == (403, "Ana")


async def test_the_page_refuses_while_there_are_upcoming_appointments(client, db, visit):
    await book(client, visit, 1)
    headers = await sign_in(client)
    token = await csrf_token_of(client, "/my/erase", headers)
    refused = await client.post("/my/erase", data={"csrf": token, "sure": "1"}, headers=headers)
    assert (refused.status_code, await db.fetchval("select name from customer")) == (409, "Ana")
