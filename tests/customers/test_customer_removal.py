"""Removing a customer: upcoming appointments prevent it."""

import asyncio
from uuid import UUID

from appoint.customers import service
from appoint.kit.actors import SYSTEM
from support.app import ADMIN
from support.database import wait_for_lock
from support.races import appointment_body
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, insert_appointment, publish_slot

NOW = hours_ahead(0)


async def get_customer(client, id):
    return (await client.get(f"/api/customers/{id}", headers=ADMIN)).json()


async def list_events(db):
    return await db.fetch(
        "select clinic_id, type, subject_id, subject_version, data::text from event order by subject_version"
    )


async def test_a_removed_customer_is_unlisted_but_readable_and_can_be_restored(client):
    id = await create_customer(client)
    assert (await client.delete(f"/api/customers/{id}", headers=ADMIN)).status_code == 204
    assert (await client.get("/api/customers", headers=ADMIN)).json()["items"] == []
    assert (await client.get("/api/customers", params={"q": "Ana"}, headers=ADMIN)).json()["items"] == []
    assert (await get_customer(client, id))["removedAt"] is not None
    restored = (await client.patch(f"/api/customers/{id}", json={"active": True}, headers=ADMIN)).json()
    assert (restored["active"], restored["removedAt"], restored["version"]) == (True, None, 3)


async def test_concurrent_removals_remove_the_customer_once(client, db):
    id = await create_customer(client)
    removals = await asyncio.gather(*(client.delete(f"/api/customers/{id}", headers=ADMIN) for _ in range(4)))
    assert {removal.status_code for removal in removals} == {204}
    assert [event.type for event in await list_events(db)] == ["customer.registered", "customer.removed"]


async def test_a_customer_with_upcoming_appointments_cannot_be_removed(client, db):
    ana = await create_customer(client)
    for clinic_id in (await create_clinic(client), await create_clinic(client)):
        id = await create_doctor(client, clinic_id)
        await publish_slot(db, id, hours_ahead(-48), hours_ahead(48))
        await insert_appointment(db, id, ana, hours_ahead(24), hours_ahead(25))
        await insert_appointment(db, id, ana, hours_ahead(-24), hours_ahead(-23), status="fulfilled")
        await insert_appointment(db, id, ana, hours_ahead(26), hours_ahead(27), status="cancelled")
    refusal = await client.delete(f"/api/customers/{ana}", headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["count"]) == (
        409,
        "customer-has-appointments",
        2,
    )
    await db.execute("update appointment set status = 'cancelled' where lower(during) > $1", NOW)
    assert (await client.delete(f"/api/customers/{ana}", headers=ADMIN)).status_code == 204


async def test_an_uncommitted_booking_prevents_the_removal(client, db):
    await create_clinic(client)
    id, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(24), hours_ahead(32))
    async with db.connection() as connection:
        booking = connection.transaction()
        await booking.start()
        assert await connection.fetchval("select active from customer where id = $1 for key share", ana)
        await insert_appointment(connection, id, ana, hours_ahead(28), hours_ahead(29))
        removal = asyncio.create_task(client.delete(f"/api/customers/{ana}", headers=ADMIN))
        await wait_for_lock(db)
        await booking.commit()
    refusal = await removal
    assert (refusal.status_code, refusal.json()["count"]) == (409, 1)


async def test_a_booking_that_waits_for_the_removal_does_not_find_the_customer(client, db):
    ana = await create_customer(client)

    async def remove_customer(tx):
        await service.remove(tx, SYSTEM, customer_id=UUID(ana), if_match=None, now=NOW)
        booking = asyncio.create_task(
            db.fetchval("select true from customer where id = $1 and active for key share", ana)
        )
        await wait_for_lock(db)
        return booking

    booking = await db.atomic(remove_customer)
    assert await booking is None


async def test_a_removal_and_concurrent_booking_requests_do_not_both_succeed(client, db):
    await create_clinic(client)
    id = await create_doctor(client)
    await publish_slot(db, id, hours_ahead(24), hours_ahead(28))
    for _ in range(3):
        ana = await create_customer(client)
        bodies = [appointment_body(id, ana, hours_ahead(24 + n)) for n in range(4)]
        removal, *responses = await asyncio.gather(
            client.delete(f"/api/customers/{ana}", headers=ADMIN),
            *(client.post("/api/appointments", json=body) for body in bodies),
        )
        assert {response.status_code for response in responses} <= {201, 404, 409}
        assert (removal.status_code == 204) == (await db.fetchval("select count(*) from appointment") == 0)
        await db.execute("delete from appointment")
