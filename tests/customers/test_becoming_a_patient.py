"""A clinic sees a person's details once a booking is confirmed, not during a hold."""

from datetime import timedelta

import pytest

from appoint.booking.holds import expire_holds
from appoint.kit import clock
from support.app import ADMIN
from support.manage_links import START, create_visit, times_at, token_headers
from support.staff import sign_in_receptionist


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


@pytest.fixture
async def reception(db, client, visit):
    return await sign_in_receptionist(db, client)


async def hold(client, visit, hours=0, *, headers=None) -> dict:
    body = {**visit, **times_at(hours), "hold": True}
    response = await client.post("/api/appointments", json=body, headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


async def patients(client) -> list[str]:
    return [patient["id"] for patient in (await client.get("/api/clinics/1/patients", headers=ADMIN)).json()["items"]]


async def test_a_receptionist_cannot_open_a_record_by_holding_and_releasing_a_time(client, visit, reception):
    path = f"/api/clinics/1/patients/{visit['customerId']}"
    held = await hold(client, visit, headers=reception)
    assert (await client.get(path, headers=reception)).status_code == 404
    await client.delete(f"/api/appointments/{held['id']}", headers=reception)
    assert ((await client.get(path, headers=reception)).status_code, await patients(client)) == (404, [])


async def test_a_confirmed_hold_makes_the_customer_a_patient(client, visit):
    held = await hold(client, visit)
    await client.post(f"/api/appointments/{held['id']}/confirm", headers=token_headers(held))
    assert await patients(client) == [visit["customerId"]]


async def test_a_booking_makes_the_customer_a_patient(client, visit):
    await client.post("/api/appointments", json={**visit, **times_at(0)})
    assert await patients(client) == [visit["customerId"]]


async def test_an_expired_hold_does_not_make_the_customer_a_patient(client, db, visit):
    await hold(client, visit)
    assert await expire_holds(db, now=clock.now() + timedelta(hours=1)) == 1
    assert await patients(client) == []


async def test_only_the_booked_appointments_in_a_booking_make_their_customers_patients(client, visit):
    family = [(await client.post("/api/customers", json={"name": name})).json()["id"] for name in ("Ben", "Cleo")]
    parts = [
        {**times_at(hours), "doctorId": visit["doctorId"], "customerId": person, "hold": hours == 0}
        for hours, person in enumerate(family)
    ]
    body = {"clinicId": 1, "customerId": visit["customerId"], "appointments": parts}
    assert (await client.post("/api/bookings", json=body)).status_code == 201
    assert await patients(client) == [visit["customerId"], family[1]]  # the booker, and the person they booked for


async def test_the_board_shows_that_a_time_is_on_hold_but_not_for_whom(client, visit, reception):
    await client.patch(f"/api/customers/{visit['customerId']}", json={"name": "Xanthippe"}, headers=ADMIN)
    held = await hold(client, visit)
    day = f"{START:%Y-%m-%d}"
    data = (await client.get(f"/staff/1/board.json?from={day}&to={day}", headers=reception)).json()
    (shown,) = data["appointments"]
    assert (shown["id"], shown["status"], shown["patient"], shown["customerId"]) == (
        held["id"],
        "pending",
        "Unconfirmed",
        None,
    )
    paths = [f"day?date={day}", f"week?date={day}", f"day/print?date={day}", "day/search?q=xanth", "patients"]
    pages = [(await client.get(f"/staff/1/{path}", headers=reception)).text for path in paths]
    named = [page for page in (data["list"], *pages) if visit["customerId"] in page or "Xanthippe" in page]
    assert named == []


async def test_the_board_names_the_customer_on_a_hold_if_they_are_already_a_patient(client, visit, reception):
    await client.post("/api/appointments", json={**visit, **times_at(0)})
    await hold(client, visit, 1)
    day = f"{START:%Y-%m-%d}"
    data = (await client.get(f"/staff/1/board.json?from={day}&to={day}", headers=reception)).json()
    assert [(each["status"], each["patient"]) for each in data["appointments"]] == [
        ("booked", "Ana"),
        ("pending", "Ana"),
    ]


async def book_visit(client, visit, hours=0) -> dict:
    return (await client.post("/api/appointments", json={**visit, **times_at(hours)})).json()


async def test_someone_whose_only_appointment_was_cancelled_is_neither_listed_nor_found(client, db, visit, reception):
    await db.execute("update customer set name = 'Xanthippe', email = 'x@example.org'")
    booked = await book_visit(client, visit)
    assert await patients(client) == [visit["customerId"]]
    await client.delete(f"/api/appointments/{booked['id']}", headers=token_headers(booked))
    assert await patients(client) == []
    for path in ("/api/clinics/1/patients?q=xanth", "/api/clinics/1/patients?q=x@example.org"):
        assert (await client.get(path, headers=reception)).json()["items"] == []
    pages = [
        (await client.get(f"/staff/1/{path}", headers=reception)).text for path in ("day/search?q=xanth", "patients")
    ]
    assert [page for page in pages if "Xanthippe" in page] == []


async def test_a_later_booking_lists_the_patient_again(client, visit):
    cancelled = await book_visit(client, visit)
    await client.delete(f"/api/appointments/{cancelled['id']}", headers=token_headers(cancelled))
    await book_visit(client, visit, 1)
    assert await patients(client) == [visit["customerId"]]


async def test_a_patient_about_whom_the_clinic_has_notes_stays_listed(client, visit):
    booked = await book_visit(client, visit)
    path = f"/api/clinics/1/patients/{visit['customerId']}"
    assert (await client.patch(path, json={"notes": "Allergic to latex"}, headers=ADMIN)).status_code == 200
    await client.delete(f"/api/appointments/{booked['id']}", headers=token_headers(booked))
    assert await patients(client) == [visit["customerId"]]


async def test_staff_can_still_open_the_record_from_a_cancelled_appointment(client, visit, reception):
    booked = await book_visit(client, visit)
    await client.delete(f"/api/appointments/{booked['id']}", headers=token_headers(booked))
    path = f"/api/clinics/1/patients/{visit['customerId']}"
    assert (await client.get(path, headers=reception)).status_code == 200
