"""People who registered but never booked are deleted after a few days, with their abandoned holds."""

from datetime import timedelta

import pytest

from appoint.booking.holds import expire_holds
from appoint.kit import clock
from appoint.kit.ids import new_id
from appoint.oversight.privacy import jobs
from support.app import ADMIN
from support.manage_links import book, create_visit, times_at
from support.sign_in_codes import enter_code, request_code
from support.world import create_customer

WEEK = timedelta(days=7)


@pytest.fixture
async def visit(db, client):
    return await create_visit(db, client)


async def forget(db, *, days: float = 8) -> None:
    await jobs.forget_unconfirmed(db, older_than=WEEK, now=clock.now() + timedelta(days=days))


async def names(db) -> list[str]:
    return [row.name for row in await db.fetch("select name from customer order by id")]


async def test_many_abandoned_registrations_are_deleted(client, db):
    await db.execute("insert into customer (name) select 'Fake ' || n from generate_series(1, 1000) as n")
    await forget(db, days=6)
    assert len(await names(db)) == 1000
    await forget(db)
    assert await names(db) == []


async def test_abandoned_holds_are_deleted_with_the_person(client, db, visit):
    await book(client, visit, hold=True)
    cancelled = await book(client, visit, 1, hold=True)
    await client.delete(f"/api/appointments/{cancelled['id']}", headers=ADMIN)
    await expire_holds(db, now=clock.now() + timedelta(hours=1))
    await forget(db)
    assert (await names(db), await db.fetchval("select count(*) from appointment")) == ([], 0)


@pytest.mark.parametrize("status", ["booked", "cancelled", "noshow", "fulfilled"])
async def test_people_who_have_booked_are_not_deleted(client, db, visit, status):
    await book(client, visit)
    await db.execute("update appointment set status = $1", status)
    await forget(db)
    assert await names(db) == ["Ana"]


async def test_people_whose_payment_is_on_record_are_not_deleted(client, db, visit):
    await book(client, visit, hold=True)
    await db.execute(
        """
        insert into payment (clinic_id, id, method, status, customer_id, currency, amount)
        select 1, $1, 'cash', 'cancelled', id, 'EUR', 2500 from customer
        """,
        new_id(1),
    )
    await expire_holds(db, now=clock.now() + timedelta(hours=1))
    await db.execute("insert into customer (name) values ('Fake')")
    await forget(db)
    assert await names(db) == ["Ana"]


async def test_people_who_have_booked_for_others_are_not_deleted(client, db, visit):
    child = await create_customer(client, name="Cleo")
    body = {
        "clinicId": 1,
        "customerId": visit["customerId"],
        "appointments": [{"customerId": child, "doctorId": visit["doctorId"], **times_at(0)}],
    }
    assert (await client.post("/api/bookings", json=body)).status_code == 201
    await forget(db)
    assert await names(db) == ["Ana", "Cleo"]


async def test_people_who_are_signed_in_or_have_held_a_time_since_are_not_deleted(client, db, visit):
    await enter_code(client, await request_code(client))
    await db.execute("update session set expires_at = now() + interval '30 days'")
    ben = await create_customer(client, name="Ben")
    await book(client, visit | {"customerId": ben}, hold=True)
    await expire_holds(db, now=clock.now() + timedelta(hours=1))
    await db.execute("update appointment set created_at = now() + interval '5 days'")
    await forget(db)
    assert await names(db) == ["Ana", "Ben"]


async def test_an_event_and_an_audit_entry_report_the_deletion(client, db, visit):
    await forget(db)
    event = await db.fetchrow("select clinic_id, subject_id from event where type = 'customer.erased'")
    entry = await db.fetchrow("select actor, subjects, reason from audit_unsealed where action = 'forgetUnconfirmed'")
    assert tuple(event) == (0, visit["customerId"])
    assert tuple(entry) == ("system", [visit["customerId"]], "never booked")
