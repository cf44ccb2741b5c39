"""Staff join several records of one person, and can separate them again."""

import asyncio
from datetime import timedelta

import pytest

from appoint.kit.cache import ClinicCache
from support.appointments import appointment_body, create_world
from support.staff import add_user, bearer, sign_in_receptionist, type_of, works_at
from support.world import insert_appointment

PATIENTS = "/api/clinics/1/patients"


@pytest.fixture
async def world(db, client):
    """Ana has booked twice, which created two records for her: ana and anna."""
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.client = client
        world.anna = await world.add_customer("Anna")
        world.dr_okafor = await world.add_doctor("Dr Okafor")
        await world.publish(world.dr_okafor, world.nine - timedelta(hours=1), world.nine + timedelta(hours=7))
        for customer in (world.ana, world.anna):
            await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", customer)
        world.reception = await sign_in_receptionist(db, client)
        yield world


async def post(world, path, body=None, headers=None):
    return await world.client.post(path, json=body or {}, headers=headers or world.reception)


async def join(world, one=None, other=None):
    return await post(world, f"{PATIENTS}/{one or world.ana}/join", {"customerId": str(other or world.anna)})


async def separate(world, customer):
    return await world.client.post(f"{PATIENTS}/{customer}/separate", headers=world.reception)


async def book(world, customer, hours, doctor=None, headers=None, **members):
    body = appointment_body(world, hours=hours, customer=customer, doctorId=str(doctor or world.dr_shah), **members)
    return await post(world, "/api/appointments", body, headers)


async def get(world, path, **query):
    response = await world.client.get(path, params=query, headers=world.reception)
    assert response.status_code == 200, response.text
    return response.json()


async def test_both_ids_lead_to_the_main_record(world):
    assert (await join(world)).status_code == 200
    for customer in (world.ana, world.anna):
        patient = await get(world, f"{PATIENTS}/{customer}")
        assert (patient["id"], patient["joinedIds"]) == (str(world.ana), [str(world.anna)])
    changed = await world.client.patch(
        f"{PATIENTS}/{world.anna}", json={"notes": "Afraid of needles"}, headers=world.reception
    )
    assert changed.json()["id"] == str(world.ana)
    assert (await get(world, f"{PATIENTS}/{world.ana}"))["notes"] == "Afraid of needles"


async def test_joined_records_are_found_once_by_the_details_of_either(world):
    await world.client.patch(f"{PATIENTS}/{world.anna}", json={"recordNumber": "77"}, headers=world.reception)
    await join(world)
    for q in ("ana", "anna", "77"):
        assert [patient["id"] for patient in (await get(world, PATIENTS, q=q))["items"]] == [str(world.ana)]
    (record,) = (await get(world, f"{PATIENTS}/{world.ana}/joined"))["items"]
    assert (record["name"], record["recordNumber"]) == ("Anna", "77")


async def test_a_joined_person_cannot_be_in_two_places_at_once(world):
    assert (await book(world, world.ana, 0)).status_code == 201
    await join(world)
    assert type_of(await book(world, world.anna, 0, world.dr_okafor)) == (409, "customer-busy")
    assert (await book(world, world.anna, 1, world.dr_okafor)).status_code == 201


async def test_a_move_cannot_put_a_joined_person_in_two_places_at_once(world):
    await book(world, world.ana, 0)
    appointment = (await book(world, world.anna, 1, world.dr_okafor)).json()
    await join(world)
    body = appointment_body(world, hours=0)
    response = await world.client.put(
        f"/api/appointments/{appointment['id']}",
        json={"startTime": body["startTime"], "endTime": body["endTime"]},
        headers=world.reception,
    )
    assert type_of(response) == (409, "customer-busy")


async def test_a_patient_does_not_learn_of_appointments_under_another_record(world, db):
    await world.set_clinic(1, confirm_address="never")
    await book(world, world.ana, 0)
    response = await world.client.post("/api/customers", json={"name": "Anna"})
    token, anna = response.json()["customerToken"], response.json()["id"]
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", anna)
    await join(world, world.ana, anna)
    body = appointment_body(world, customer=anna, doctorId=str(world.dr_okafor), customerToken=token)
    assert type_of(await world.client.post("/api/appointments", json=body)) == (409, "taken")


async def test_records_with_appointments_at_the_same_time_cannot_be_joined(world, db):
    await book(world, world.ana, 0)
    await book(world, world.anna, 0, world.dr_okafor)
    assert type_of(await join(world)) == (409, "joined-appointments-overlap")
    assert await db.fetchval("select count(*) from patient where main_id is not null") == 0


async def test_past_appointments_at_the_same_time_do_not_prevent_joining(world, db):
    start = world.nine - timedelta(days=9)
    for doctor, customer in ((world.dr_shah, world.ana), (world.dr_okafor, world.anna)):
        await world.publish(doctor, start, start + timedelta(hours=1))
        await insert_appointment(db, doctor, customer, start, start + timedelta(hours=1), status="fulfilled")
    assert (await join(world)).status_code == 200


async def test_upcoming_and_past_appointments_of_all_records_are_listed_together(world):
    await book(world, world.ana, 0)
    await book(world, world.anna, 1)
    await join(world)
    page = await world.client.get(f"/staff/1/patients/{world.ana}", headers=world.reception)
    assert page.text.count("Dr Shah</td>") == 2
    redirected = await world.client.get(f"/staff/1/patients/{world.anna}", headers=world.reception)
    assert (redirected.status_code, redirected.headers["location"]) == (303, f"/staff/1/patients/{world.ana}")


async def test_separated_records_are_as_they_were_before(world, db):
    await world.client.patch(f"{PATIENTS}/{world.anna}", json={"notes": "Vegetarian"}, headers=world.reception)
    await book(world, world.ana, 0)
    await join(world)
    await book(world, world.anna, 1)
    assert (await separate(world, world.anna)).json()["notes"] == "Vegetarian"
    assert await db.fetchval("select count(*) from patient where main_id is not null") == 0
    assert (await book(world, world.anna, 0, world.dr_okafor)).status_code == 201
    assert type_of(await separate(world, world.anna)) == (409, "not-joined")


async def test_separating_a_main_record_leaves_the_others_joined(world, db):
    third = await world.add_customer("Ana S")
    await db.execute("insert into patient (clinic_id, customer_id) values (1, $1)", third)
    await join(world)
    assert (await join(world, world.anna, third)).json()["id"] == str(world.ana)
    await separate(world, world.ana)
    patient = await get(world, f"{PATIENTS}/{third}")
    assert (patient["id"], patient["joinedIds"]) == (str(min(world.anna, third)), [str(max(world.anna, third))])


async def test_a_doctor_with_an_appointment_under_one_record_sees_the_joined_person(world, db):
    await works_at(db, await add_user(db, "shah@example.org"), 1, "doctor", str(world.dr_shah))
    doctor = await bearer(world.client, "shah@example.org")
    await book(world, world.anna, 0)
    assert (await world.client.get(f"{PATIENTS}/{world.ana}", headers=doctor)).status_code == 404
    await join(world)
    assert (await world.client.get(f"{PATIENTS}/{world.ana}", headers=doctor)).status_code == 200
    assert type_of(await world.client.post(f"{PATIENTS}/{world.ana}/separate", headers=doctor)) == (403, "forbidden")


async def test_similar_patients_are_suggested_only_within_the_clinic(world, db):
    other_clinic = await world.add_clinic()
    rows = [
        ("Ana Maria Souza", "1984-02-29", None, 1),
        ("Souza Ana Maria", "1984-02-29", None, 1),
        ("Ana Maria Sousa", None, "ana@example.org", 1),
        ("Ana Maria Souza", "1990-01-01", None, 1),
        ("Ana Maria Souza", "1984-02-29", None, other_clinic),
        ("Ben Ito", "1984-02-29", None, 1),
    ]
    ids = []
    for name, birth_date, email, clinic in rows:
        id = await db.fetchval(
            "insert into customer (name, birth_date, email) values ($1, $2::text::date, $3) returning id",
            name,
            birth_date,
            email,
        )
        await db.execute("insert into patient (clinic_id, customer_id) values ($1, $2)", clinic, id)
        ids.append(str(id))
    similar = (await get(world, f"{PATIENTS}/{ids[0]}/similar"))["items"]
    assert [(each["customerId"], each["same"]) for each in similar] == [(ids[1], ["name", "birthDate"])]
    found = await get(world, "/api/clinics/1/similarPatients", name="Ana-Maria Souza", email="ana@example.org")
    assert found["items"][0]["customerId"] == ids[2]
    await post(world, f"{PATIENTS}/{ids[1]}/differ", {"customerId": ids[0]})
    assert (await get(world, f"{PATIENTS}/{ids[0]}/similar"))["items"] == []
    await join(world, ids[0], ids[1])
    assert (await get(world, f"{PATIENTS}/{ids[0]}/similar"))["items"] == []


async def test_joining_while_both_records_are_booked_never_puts_one_person_in_two_places(world, db):
    for hours in range(6):
        await asyncio.gather(
            book(world, world.ana, hours),
            join(world),
            book(world, world.anna, hours, world.dr_okafor, hold=True),
        )
        overlaps = await db.fetchval(
            """
            select count(*)
              from appointment a join appointment b on a.id < b.id and a.customer_during && b.customer_during
             where exists (select from patient where main_id is not null)
            """
        )
        assert overlaps == 0
        await separate(world, world.anna)
        await db.execute("delete from appointment")


async def test_joining_waits_for_a_booking_that_has_begun(world, db):
    await book(world, world.ana, 0)
    async with db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetchval("select lock_person(1, $1)", world.anna)
        joining = asyncio.create_task(join(world))
        await asyncio.sleep(0.3)
        assert not joining.done()
        await insert_appointment(
            connection, world.dr_okafor, world.anna, world.nine, world.nine + timedelta(minutes=30)
        )
        await transaction.commit()
    assert type_of(await joining) == (409, "joined-appointments-overlap")


async def test_a_booking_waits_for_records_that_are_being_joined(world, db):
    await book(world, world.ana, 0)
    async with db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "update patient set main_id = $1, joined_at = now() where customer_id = any($2)",
            world.ana,
            [world.ana, world.anna],
        )
        await connection.execute("update appointment set person_id = $1", world.ana)
        booking = asyncio.create_task(book(world, world.anna, 0, world.dr_okafor))
        await asyncio.sleep(0.3)
        assert not booking.done()
        await transaction.commit()
    assert type_of(await booking) == (409, "customer-busy")
