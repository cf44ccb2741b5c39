"""People book for their children, and for others they care for, without a second sign-in."""

import asyncio
from datetime import timedelta

import pytest

from appoint.customers.guardians.model import end_of
from appoint.kit import clock, errors
from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, create_world
from support.callers import accept_callers, headers_of
from support.database import wait_for_lock
from support.post import Office, Post
from support.staff import sign_in_receptionist, type_of
from support.world import insert_appointment


@pytest.fixture
async def world(db, client):
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        await world.set_clinic(1, confirm_address="never")
        world.client = client
        accept_callers(
            client,
            {
                "ana": Actor(f"patient:{world.ana}", customer_id=world.ana),
                "ben": Actor(f"patient:{world.ben}", customer_id=world.ben),
            },
        )
        yield world


async def add_child(world, *, headers=None, **members):
    body = {"name": "Mia", "birthDate": "2019-05-01", **members}
    return await world.client.post(f"/api/customers/{world.ana}/wards", json=body, headers=headers or headers_of("ana"))


async def book(world, customer, caller, hours=0):
    body = appointment_body(world, hours=hours, customer=customer, customerToken=None)
    return await world.client.post("/api/appointments", json=body, headers=headers_of(caller))


async def test_a_parent_registers_a_child_and_books_for_them(world):
    response = await add_child(world)
    assert response.status_code == 201, response.text
    child = response.json()
    assert (child["ward"], child["birthDate"], child["endsOn"], child["clinicId"]) == (
        "Mia",
        "2019-05-01",
        "2037-05-01",
        None,
    )
    assert (await book(world, child["wardId"], "ana")).status_code == 201
    wards = (await world.client.get(f"/api/customers/{world.ana}/wards", headers=headers_of("ana"))).json()["items"]
    assert [ward["wardId"] for ward in wards] == [child["wardId"]]


async def test_an_erased_customer_cannot_become_a_guardian(world):
    erased = await world.client.post(f"/api/customers/{world.ana}/erase", headers=ADMIN)
    refusal = await add_child(world, headers=ADMIN)
    assert (erased.status_code, refusal.status_code, refusal.json()["type"]) == (200, 409, "/problems/customer-erased")


async def test_no_one_else_can_book_for_the_child(world):
    child = (await add_child(world)).json()["wardId"]
    assert (await book(world, child, "ben")).status_code == 404
    assert (await world.client.get(f"/api/customers/{world.ana}/wards", headers=headers_of("ben"))).status_code == 404


async def test_a_guardianship_ends_with_the_childs_18th_birthday(world, db):
    child = (await add_child(world)).json()["wardId"]
    await db.execute("update guardianship set ends_on = $1", clock.now().date())
    assert (await book(world, child, "ana")).status_code == 404


async def test_the_guardian_can_end_it(world):
    child = (await add_child(world)).json()
    path = f"/api/customers/{world.ana}/wards/{child['id']}"
    assert (await world.client.delete(path, headers=headers_of("ana"))).status_code == 204
    assert (await book(world, child["wardId"], "ana")).status_code == 404
    assert (await world.client.delete(path, headers=headers_of("ana"))).status_code == 404


async def test_a_clinic_lets_one_patient_book_for_another_at_that_clinic_only(world, db):
    reception = await sign_in_receptionist(db, world.client)
    path = f"/api/clinics/1/patients/{world.ben}/guardians"
    body = {"guardianId": str(world.ana)}
    assert (await world.client.post(path, json=body, headers=reception)).status_code == 404
    for customer in (world.ana, world.ben):
        await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", customer)
    once = reception | {"Idempotency-Key": "grant"}
    granted = await world.client.post(path, json=body, headers=once)
    assert (await world.client.post(path, json=body, headers=once)).json() == granted.json()
    assert (granted.status_code, granted.json()["clinicId"]) == (201, 1), granted.text
    assert type_of(await world.client.post(path, json=body, headers=reception)) == (409, "already-guardian")
    assert (await book(world, world.ben, "ana")).status_code == 201
    elsewhere = await world.add_clinic(confirm_address="never")
    doctor = await world.add_doctor("Dr Elsewhere", clinic=elsewhere)
    await world.publish(doctor, world.nine, world.nine + timedelta(hours=2))
    body = appointment_body(world, customer=world.ben, doctorId=str(doctor), customerToken=None)
    assert (await world.client.post("/api/appointments", json=body, headers=headers_of("ana"))).status_code == 404
    end = f"{path}/{granted.json()['id']}"
    assert (await world.client.delete(end, headers=reception)).status_code == 204
    assert (await book(world, world.ben, "ana", 1)).status_code == 404


async def test_a_clinic_cannot_name_someone_who_is_being_removed(world, db):
    reception = await sign_in_receptionist(db, world.client)
    for customer in (world.ana, world.ben):
        await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", customer)
    path, body = f"/api/clinics/1/patients/{world.ben}/guardians", {"guardianId": str(world.ana)}
    async with db.connection() as connection, connection.transaction():
        await connection.execute("update customer set active = false, removed_at = now() where id = $1", world.ana)
        request = asyncio.create_task(world.client.post(path, json=body, headers=reception))
        await wait_for_lock(db)
    assert (await request).status_code == 404


async def test_the_ward_can_end_what_a_clinic_has_granted(world, db):
    id = await db.fetchval(
        "insert into guardianship (guardian_id, ward_id, granting_clinic_id, ends_on) values ($1, $2, 1, '2028-01-01') "
        "returning id",
        world.ana,
        world.ben,
    )
    path = f"/api/customers/{world.ben}/wards/{id}"
    assert (await world.client.delete(path, headers=headers_of("ben"))).status_code == 204
    assert (await book(world, world.ben, "ana")).status_code == 404


async def test_erasing_someone_ends_their_guardianships(world, db):
    await add_child(world)
    assert (await world.client.post(f"/api/customers/{world.ana}/erase", headers=ADMIN)).status_code == 200
    assert await db.fetchval("select count(*) from guardianship") == 0


def test_guardianships_end_by_age_or_after_a_stated_time():
    today = clock.local_date(clock.now(), "UTC").replace(year=2027, month=3, day=1)
    child, adult = today.replace(year=2019), today.replace(year=1950)
    assert end_of(child, None, today=today) == today.replace(year=2037)
    assert end_of(adult, None, today=today) == today.replace(year=2028)
    assert end_of(None, today.replace(year=2030), today=today) == today.replace(year=2030)
    for born, end in ((child, today.replace(year=2038)), (adult, today.replace(year=2033)), (adult, today)):
        with pytest.raises(errors.Invalid):
            end_of(born, end, today=today)


async def test_messages_about_a_childs_appointment_go_to_the_guardian(world, db):
    await db.execute("update customer set email = 'ana@example.org' where id = $1", world.ana)
    child = (await add_child(world)).json()["wardId"]
    await book(world, child, "ana")
    post = Post()
    await Office(db, post).plan_and_send(clock.now() + timedelta(minutes=1))
    (message,) = post.messages
    assert message.to == "ana@example.org"
    assert "For: Mia" in message.text


async def test_the_booking_form_and_my_appointments_include_the_child(world, db):
    child = (await add_child(world)).json()["wardId"]
    await insert_appointment(db, world.dr_shah, child, world.nine, world.nine + timedelta(minutes=30))
    page = await world.client.get("/my", headers=headers_of("ana"))
    assert "for Mia" in page.text
    people = await world.client.get("/my/people", headers=headers_of("ana"))
    assert "Stop booking for Mia" in people.text
    assert "for Mia" not in (await world.client.get("/my", headers=headers_of("ben"))).text
