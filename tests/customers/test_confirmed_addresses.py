"""Bookings with a confirmed address are added to the person who already has it."""

import asyncio
from datetime import timedelta

import pytest

from support.app import ADMIN
from support.confirmation import (
    book,
    code_for,
    confirm,
    confirm_right,
    create_practice,
    hold,
    reason_of,
)
from support.manage_links import START
from support.patient_pages import sign_in
from support.world import create_customer, create_doctor, publish_slot


@pytest.fixture
async def practice(db, client):
    return await create_practice(db, client)


async def visit(client, practice, hours: float, **details: str) -> str:
    """Book and confirm as a guest who registers each time. Return the id of the appointment's customer."""
    guest = await create_customer(client, **{"name": "Ana Souza", "email": "ana@example.org", **details})
    appointment = await hold(client, practice, hours, customerId=guest)
    return (await confirm_right(client, appointment))["customerId"]


async def test_a_guests_third_visit_does_not_make_a_third_patient(client, db, practice):
    people = {await visit(client, practice, hours) for hours in range(3)}
    assert len(people) == 1
    assert await db.fetchval("select count(*) from customer where name = 'Ana Souza'") == 1
    assert await db.fetchval("select count(*) from patient") == 1


@pytest.mark.parametrize("name", ["ana souza", "  Aña   Sóuza ", "ANA SOUZA"])
async def test_names_are_compared_without_case_accents_and_extra_spaces(client, practice, name):
    assert await visit(client, practice, 0) == await visit(client, practice, 1, name=name)


async def test_addresses_are_compared_without_case(client, practice):
    assert await visit(client, practice, 0) == await visit(client, practice, 1, email="Ana@Example.org")


async def test_a_phone_number_identifies_a_person_in_the_same_way(client, practice):
    phone = {"email": None, "phone": "+4915112345678"}
    assert await visit(client, practice, 0, **phone) == await visit(client, practice, 1, **phone)


async def test_a_different_name_or_birth_date_means_a_different_person(client, practice):
    ana = await visit(client, practice, 0, birthDate="1990-05-17")
    assert await visit(client, practice, 1, name="Ben Souza") != ana
    assert await visit(client, practice, 2, birthDate="2015-05-17") != ana
    assert await visit(client, practice, 3) == ana  # one birth date is unknown


async def test_an_unconfirmed_address_does_not_match_anyone(client, practice):
    planted = await create_customer(client, name="Ana Souza", email="ana@example.org")
    assert await visit(client, practice, 0) != planted


async def test_nothing_reveals_whether_the_person_exists_before_the_code_is_entered(client, practice):
    async def response_for(hours: float, email: str) -> dict:
        guest = await create_customer(client, name="Ana Souza", email=email)
        appointment = await hold(client, practice, hours, customerId=guest)
        assert appointment["customerId"] == guest
        return {name: value for name, value in appointment.items() if value is None or name == "status"}

    await visit(client, practice, 0)
    assert await response_for(1, "ana@example.org") == await response_for(2, "anna@example.org")


async def test_a_person_cannot_be_with_two_doctors_at_once(client, db, practice):
    roy = await create_doctor(client, name="Dr Roy")
    await publish_slot(db, roy, START.replace(hour=8), START.replace(hour=15))
    await visit(client, practice, 0)
    guest = await create_customer(client, name="Ana Souza", email="ana@example.org")
    appointment = await hold(client, practice, 0, customerId=guest, doctorId=roy)
    assert reason_of(await confirm(client, appointment, code_for(appointment))) == (409, "customer-busy")


async def test_the_limit_on_appointments_applies_to_the_person(client, practice):
    person = await visit(client, practice, 0)
    guest = await create_customer(client, name="Ana Souza", email="ana@example.org")
    appointment = await hold(client, practice, 1, customerId=guest)
    for number in range(19):
        start = START + timedelta(hours=2, minutes=10 * number)
        times = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=10)).isoformat()}
        body = {**practice, **times, "customerId": person}
        assert (await client.post("/api/appointments", json=body, headers=ADMIN)).status_code == 201
    assert reason_of(await confirm(client, appointment, code_for(appointment))) == (409, "too-many-appointments")


async def test_concurrent_confirmations_of_two_holds_result_in_one_person(client, db, many_connections, practice):
    guests = [await create_customer(client, name="Ana Souza", email="ana@example.org") for _ in range(4)]
    holds = [await hold(client, practice, hours, customerId=guest) for hours, guest in enumerate(guests)]
    answers = await asyncio.gather(*(confirm(client, each, code_for(each)) for each in holds))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["customerId"] for answer in answers}) == 1
    assert await db.fetchval("select count(*) from customer where name = 'Ana Souza'") == 1


async def test_a_duplicate_is_removed_with_an_event_unless_it_has_another_hold(client, db, practice):
    await visit(client, practice, 0)
    guest = await create_customer(client, name="Ana Souza", email="ana@example.org")
    first, second = [await hold(client, practice, hours, customerId=guest) for hours in (1, 2)]
    await confirm_right(client, first)
    assert await db.fetchval("select count(*) from customer where id = $1", guest) == 1
    await confirm_right(client, second)
    assert await db.fetchval("select count(*) from customer where id = $1", guest) == 0
    assert (
        await db.fetchval("select count(*) from event where type = 'customer.removed' and subject_id = $1", guest) == 1
    )


async def test_signing_in_with_a_code_confirms_the_address(client, db, practice):
    ana = await create_customer(client, name="Ana Souza", email="souza@example.org")
    await sign_in(client, "souza@example.org")
    client.cookies.clear()
    assert await visit(client, practice, 0, email="souza@example.org") == ana


async def test_a_changed_address_is_no_longer_confirmed(client, db, practice):
    ana = await visit(client, practice, 0)
    for email, confirmed in (("ANA@example.org", True), ("other@example.org", False)):
        await client.patch(f"/api/customers/{ana}", json={"email": email}, headers=ADMIN)
        assert await db.fetchval("select email_confirmed_at is not null from customer where id = $1", ana) is confirmed


async def test_a_confirmed_customer_books_again_under_the_same_record(client, practice):
    appointment = await hold(client, practice)
    ana = (await confirm_right(client, appointment))["customerId"]
    again = await hold(client, practice, 1)
    assert ((await confirm_right(client, again))["customerId"], ana) == (practice["customerId"],) * 2
    assert (await book(client, practice, 2)).status_code == 201
