"""Bookings with several appointments, and lists of appointments and bookings, over HTTP."""

from datetime import timedelta

import pytest

from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, create_world


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await create_world(db, cache)


def without_customer(body):
    return {name: value for name, value in body.items() if name != "customerId"}


async def test_a_family_can_be_booked_together(client, world):
    child = await world.add_customer("Chi")
    parts = [appointment_body(world, hours=1, customer=child), appointment_body(world, hours=0, customer=world.ben)]
    response = await client.post(
        "/api/bookings", json={"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    )
    booking = response.json()
    assert response.status_code == 201
    assert booking["customerId"] == str(world.ana)
    assert [part["customerId"] for part in booking["appointments"]] == [str(child), str(world.ben)]
    for part in booking["appointments"]:
        del part["manageToken"]  # only the response to the booking contains it
    assert (await client.get(response.headers["Location"], headers=ADMIN)).json() == booking
    response = await client.get(f"/api/clinics/{world.clinic}/bookings?customerId={world.ana}", headers=ADMIN)
    assert response.json()["items"] == [booking]


async def test_a_booking_with_one_appointment_can_have_its_members_at_the_top_level(client, world):
    response = await client.post("/api/bookings", json=appointment_body(world, clinicId=world.clinic))
    assert len(response.json()["appointments"]) == 1


async def test_a_booking_with_one_taken_time_is_refused_entirely(client, world):
    await client.post("/api/appointments", json=appointment_body(world, hours=1, customer=world.ben))
    parts = [without_customer(appointment_body(world, hours=hours)) for hours in (0, 1, 2)]
    refusal = await client.post(
        "/api/bookings", json={"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    )
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["index"]) == (409, "taken", 1)
    assert await world.count("appointment") == 1


async def test_a_repeated_booking_returns_all_its_appointments(client, world):
    parts = [without_customer(appointment_body(world, hours=hours)) for hours in (2, 0)]
    body = {"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    responses = [await client.post("/api/bookings", json=body, headers={"Idempotency-Key": "family"}) for _ in range(2)]
    assert responses[0].json() == responses[1].json()
    assert responses[1].headers["Idempotent-Replayed"] == "true"


async def test_a_booking_for_an_unknown_customer_is_not_found(client, world):
    unknown = "01a1fce3-9e11-7137-9834-1e4538d22feb"
    part = appointment_body(world)
    refusal = await client.post(
        "/api/bookings", json={"clinicId": world.clinic, "customerId": unknown, "appointments": [part]}
    )
    assert refusal.status_code == 404


async def test_a_booking_needs_between_1_and_20_appointments(client, world):
    for parts in [[], [{}] * 21]:
        refusal = await client.post(
            "/api/bookings", json={"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
        )
        assert refusal.status_code == 400, parts


async def test_lists_are_filtered_and_pages_stay_stable_under_inserts(client, world):
    for hours in (4, 1, 3, 2):
        await client.post("/api/appointments", json=appointment_body(world, hours=hours))
    day = world.nine.date().isoformat()
    first = await client.get(f"/api/clinics/{world.clinic}/appointments?from={day}&to={day}&limit=2", headers=ADMIN)
    await client.post("/api/appointments", json=appointment_body(world, hours=0))
    second = await client.get(first.links["next"]["url"], headers=ADMIN)
    hours = [appointment["startTime"] for page in (first, second) for appointment in page.json()["items"]]
    assert hours == [(world.nine + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in (1, 2, 3, 4)]
    assert second.json()["next"] is None
    other = await client.get(f"/api/clinics/{world.clinic}/appointments?customerId={world.ben}", headers=ADMIN)
    assert other.json()["items"] == []


async def test_a_customers_appointments_at_all_clinics_are_in_one_list(client, world):
    await client.post("/api/appointments", json=appointment_body(world))
    other = await world.add_clinic(time_zone="Asia/Kolkata")
    doctor = await world.add_doctor("Dr Rao", clinic=other)
    await world.publish(doctor, world.nine, world.nine + timedelta(hours=2))
    later = await client.post("/api/appointments", json=appointment_body(world, hours=1, doctorId=str(doctor)))
    assert later.status_code == 201
    response = await client.get(f"/api/customers/{world.ana}/appointments", headers=ADMIN)
    assert [appointment["clinicId"] for appointment in response.json()["items"]] == [world.clinic, other]


async def test_lists_for_unknown_owners_are_not_found_but_others_can_be_empty(client, world):
    for path in (
        "/api/clinics/99/appointments",
        "/api/clinics/99/bookings",
        "/api/customers/01a1fce3-9e11-7137-9834-1e4538d22feb/appointments",
    ):
        assert (await client.get(path, headers=ADMIN)).status_code == 404
    for path in (
        f"/api/clinics/{world.clinic}/appointments",
        f"/api/clinics/{world.clinic}/bookings",
        f"/api/customers/{world.ana}/appointments",
    ):
        assert (await client.get(path, headers=ADMIN)).json() == {"items": [], "next": None}


async def list_bookings(client, world, **query):
    response = await client.get(f"/api/clinics/{world.clinic}/bookings", params=query, headers=ADMIN)
    return [booking["bookingId"] for booking in response.json()["items"]]


async def test_bookings_are_sorted_by_their_matching_appointments(client, world):
    next_day = world.nine + timedelta(days=1)
    await world.publish(world.dr_shah, next_day - timedelta(hours=1), next_day + timedelta(hours=7))
    parts = [without_customer(appointment_body(world, hours=hours)) for hours in (24, 0)]
    body = {"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    late_first = (await client.post("/api/bookings", json=body)).json()
    other = (await client.post("/api/appointments", json=appointment_body(world, hours=1, customer=world.ben))).json()
    both = [late_first["bookingId"], other["bookingId"]]
    day, last = (instant.date().isoformat() for instant in (world.nine, next_day))
    assert await list_bookings(client, world) == both
    assert await list_bookings(client, world, **{"from": day, "to": day}) == both
    assert await list_bookings(client, world, **{"from": last, "to": last}) == both[:1]
    later, _ = late_first["appointments"]
    await client.delete(f"/api/appointments/{later['id']}", headers=ADMIN)
    assert await list_bookings(client, world, status="booked", **{"from": day, "to": day}) == both
    assert await list_bookings(client, world, status="booked", **{"from": last, "to": last}) == []
    assert await list_bookings(client, world, status="cancelled") == both[:1]


async def test_each_booking_is_on_exactly_one_page(client, world):
    for hours in ((3, 0), (1, 4), (2,)):
        customer = str(await world.add_customer("Customer"))
        parts = [without_customer(appointment_body(world, hours=hour)) for hour in hours]
        body = {"clinicId": world.clinic, "customerId": customer, "appointments": parts}
        assert (await client.post("/api/bookings", json=body)).status_code == 201
    found, url = [], f"/api/clinics/{world.clinic}/bookings?limit=1"
    while url:
        page = await client.get(url, headers=ADMIN)
        found += [booking["bookingId"] for booking in page.json()["items"]]
        url = page.links["next"]["url"] if "next" in page.links else None
    assert found == await list_bookings(client, world)
    assert len(set(found)) == len(found) == 3


async def test_people_who_book_for_others_are_patients_and_stay_until_the_visit(client, world):
    child = await world.add_customer("Chi")
    part = appointment_body(world, customer=child)
    booking = {"clinicId": world.clinic, "customerId": str(world.ana), "appointments": [part]}
    (appointment,) = (await client.post("/api/bookings", json=booking)).json()["appointments"]
    patient = await client.get(f"/api/clinics/{world.clinic}/patients/{world.ana}", headers=ADMIN)
    assert patient.status_code == 200
    refusal = await client.delete(f"/api/customers/{world.ana}", headers=ADMIN)
    assert (refusal.status_code, refusal.json()["type"]) == (409, "/problems/customer-has-appointments")
    await client.delete(f"/api/appointments/{appointment['id']}", headers=ADMIN)
    assert (await client.delete(f"/api/customers/{world.ana}", headers=ADMIN)).status_code == 204


async def test_a_removed_customer_cannot_book_for_others(client, world):
    await client.delete(f"/api/customers/{world.ben}", headers=ADMIN)
    body = {"clinicId": world.clinic, "customerId": str(world.ben), "appointments": [appointment_body(world)]}
    assert (await client.post("/api/bookings", json=body, headers=ADMIN)).status_code == 404
    assert await world.count("appointment") == 0
