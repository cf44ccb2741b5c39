"""One code confirms a whole booking, for people who share an address."""

import pytest

from support.app import ADMIN
from support.confirmation import code_for, confirm, create_practice, reason_of, wrong_code_for
from support.manage_links import times_at, token_headers
from support.staff import sign_in_receptionist
from support.world import create_customer


@pytest.fixture
async def practice(db, client):
    return await create_practice(db, client)


async def make(client, practice, *customers: str, **options):
    """Book one appointment for each customer, an hour apart."""
    parts = [
        {"doctorId": practice["doctorId"], "customerId": customer, **times_at(hours)}
        for hours, customer in enumerate(customers)
    ]
    body = {"clinicId": 1, "customerId": practice["customerId"], "appointments": parts}
    return await client.post("/api/bookings", json=body, **options)


async def make_family_booking(client, practice):
    child = await create_customer(client, name="Child")
    response = await make(client, practice, practice["customerId"], child)
    assert response.status_code == 201, response.text
    return response.json()


def confirm_path(booking) -> str:
    return f"/api/clinics/1/bookings/{booking['bookingId']}/confirm"


async def test_the_code_confirms_all_appointments_through_any_of_their_links(client, db, practice):
    booking = await make_family_booking(client, practice)
    first, second = booking["appointments"]
    assert [each["status"] for each in (first, second)] == ["pending"] * 2
    response = await client.post(confirm_path(booking), json={"code": code_for(first)}, headers=token_headers(second))
    assert response.status_code == 200, response.text
    assert await db.fetchval("select array_agg(status order by position) from appointment") == ["booked"] * 2


async def test_a_whole_booking_requests_only_one_code(client, db, practice):
    await make_family_booking(client, practice)
    assert await db.fetchval("select count(*) from event where type = 'appointment.code-requested'") == 1


async def test_a_booking_is_not_confirmed_without_the_code(client, practice):
    booking = await make_family_booking(client, practice)
    (first, _), path = booking["appointments"], confirm_path(booking)
    headers = token_headers(first)
    assert reason_of(await client.post(path, headers=headers)) == (409, "code-required")
    wrong = {"code": wrong_code_for(first)}
    assert reason_of(await client.post(path, json=wrong, headers=headers)) == (409, "wrong-confirmation-code")
    assert (await client.post(path, json={"code": code_for(first)})).status_code == 401


async def test_once_the_address_is_confirmed_other_appointments_do_not_need_a_code(client, practice):
    first, second = (await make_family_booking(client, practice))["appointments"]
    assert (await confirm(client, first, code_for(first))).json()["status"] == "booked"
    assert (await confirm(client, second)).json()["status"] == "booked"


async def test_staff_confirm_a_booking_without_a_code(client, db, practice):
    booking = await make_family_booking(client, practice)
    headers = await sign_in_receptionist(db, client)
    confirmed = (await client.post(confirm_path(booking), headers=headers)).json()
    assert [each["status"] for each in confirmed["appointments"]] == ["booked"] * 2
    assert reason_of(await client.post(confirm_path(booking), headers=headers)) == (409, "wrong-status")


async def test_another_bookings_link_does_not_open_this_one(client, practice):
    booking = await make_family_booking(client, practice)
    other = (await client.post("/api/appointments", json={**practice, **times_at(5)})).json()
    body = {"code": code_for(booking["appointments"][0])}
    assert (await client.post(confirm_path(booking), json=body, headers=token_headers(other))).status_code == 404


async def test_people_with_different_addresses_cannot_be_booked_together(client, practice):
    ben = await create_customer(client, name="Ben", email="ben@example.org")
    refusal = await make(client, practice, practice["customerId"], ben)
    assert (reason_of(refusal), refusal.json()["index"]) == ((409, "address-required"), 1)
    assert (await make(client, practice, practice["customerId"], ben, headers=ADMIN)).status_code == 201
