"""Removing a doctor: appointments prevent it, past slots stay, future slots are withdrawn."""

import asyncio
import json
from uuid import UUID

import asyncpg
import pytest

from appoint.clinics.doctors import service
from appoint.kit.actors import SYSTEM
from support.app import ADMIN
from support.database import wait_for_lock
from support.races import appointment_body
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, insert_appointment, publish_slot

NOW = hours_ahead(0)


@pytest.fixture
async def lakeside(client):
    """Create a clinic and return the path of its doctors."""
    return f"/api/clinics/{await create_clinic(client)}/doctors"


async def list_slots(db):
    return await db.fetch(
        "select lower(during) as start, upper(during) as end, version from booking_slot order by during"
    )


async def was_written(booking) -> bool:
    """Return whether the database accepted a booking made with plain SQL. It refuses bookings outside the published
    hours.
    """
    try:
        await booking
    except asyncpg.ForeignKeyViolationError:
        return False
    return True


async def count_live_appointments(db):
    return await db.fetchval("select count(*) from appointment where active_during && tstzrange($1, null)", NOW)


async def test_a_removed_doctor_is_unlisted_but_readable_and_can_be_restored(client, lakeside):
    id = await create_doctor(client)
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 204
    assert (await client.get(lakeside)).json()["items"] == []
    assert [item["id"] for item in (await client.get(lakeside, params={"active": "false"})).json()["items"]] == [id]
    assert (await client.get(f"/api/doctors/{id}")).json()["removedAt"] is not None
    restored = (await client.patch(f"/api/doctors/{id}", json={"active": True}, headers=ADMIN)).json()
    assert (restored["active"], restored["removedAt"], restored["version"]) == (True, None, 3)


async def test_a_removed_doctor_cannot_be_restored_at_an_inactive_clinic(client, lakeside):
    id = await create_doctor(client)
    await client.delete(f"/api/doctors/{id}", headers=ADMIN)
    await client.delete("/api/clinics/1", headers=ADMIN)
    refusal = await client.patch(f"/api/doctors/{id}", json={"active": True}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "clinic-inactive")


async def test_a_doctor_with_upcoming_appointments_cannot_be_removed(client, db, lakeside):
    id, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(24), hours_ahead(30))
    await insert_appointment(db, id, ana, hours_ahead(24), hours_ahead(25))
    await insert_appointment(db, id, ana, hours_ahead(26), hours_ahead(27))
    await insert_appointment(db, id, ana, hours_ahead(28), hours_ahead(29), status="cancelled")
    refusal = await client.delete(f"/api/doctors/{id}", headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["count"]) == (
        409,
        "doctor-has-appointments",
        2,
    )
    assert (await client.get(f"/api/doctors/{id}")).json()["version"] == 1


async def test_removing_a_doctor_withdraws_only_future_slots(client, db, lakeside):
    id, colleague, ana = await create_doctor(client), await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(-48), hours_ahead(-40))
    await insert_appointment(db, id, ana, hours_ahead(-48), hours_ahead(-47), status="fulfilled")
    await publish_slot(db, id, hours_ahead(24), hours_ahead(30))
    await publish_slot(db, colleague, hours_ahead(48), hours_ahead(50))
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 204
    assert [(slot.start, slot.end) for slot in await list_slots(db)] == [
        (hours_ahead(-48), hours_ahead(-40)),
        (hours_ahead(48), hours_ahead(50)),
    ]


async def test_removing_a_doctor_ends_the_current_slot(client, db, lakeside):
    id, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(-2), hours_ahead(2))
    await insert_appointment(db, id, ana, hours_ahead(-2), hours_ahead(-1), status="fulfilled")
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).status_code == 204
    (slot,) = await list_slots(db)
    assert slot.start == hours_ahead(-2)
    assert NOW <= slot.end < hours_ahead(1)


async def test_a_doctor_cannot_be_removed_during_an_appointment(client, db, lakeside):
    id, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(-2), hours_ahead(2))
    await insert_appointment(db, id, ana, hours_ahead(-1), hours_ahead(1), status="checked-in")
    assert (await client.delete(f"/api/doctors/{id}", headers=ADMIN)).json()["count"] == 1


async def test_withdrawn_slots_are_recorded_as_one_event(client, db, lakeside):
    id = await create_doctor(client)
    await publish_slot(db, id, hours_ahead(-1), hours_ahead(1))
    await publish_slot(db, id, hours_ahead(24), hours_ahead(30))
    await client.delete(f"/api/doctors/{id}", headers=ADMIN)
    (event,) = await db.fetch(
        "select type, subject_id, subject_version, data::text from event where type = 'slots.withdrawn'"
    )
    assert (event.type, event.subject_id, event.subject_version, json.loads(event.data)["count"]) == (
        "slots.withdrawn",
        id,
        2,
        2,
    )


@pytest.mark.parametrize("hours", [24, -1])
async def test_an_uncommitted_booking_prevents_the_removal(client, db, lakeside, hours):
    id, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(hours), hours_ahead(hours + 8))
    async with db.connection() as connection:
        booking = connection.transaction()
        await booking.start()
        await insert_appointment(connection, id, ana, hours_ahead(hours + 4), hours_ahead(hours + 5))
        removal = asyncio.create_task(client.delete(f"/api/doctors/{id}", headers=ADMIN))
        await wait_for_lock(db)
        await booking.commit()
    refusal = await removal
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["count"]) == (
        409,
        "doctor-has-appointments",
        1,
    )
    assert (await client.get(f"/api/doctors/{id}")).json()["active"] is True


@pytest.mark.parametrize("hours", [24, -1])
async def test_a_booking_that_waits_for_the_removal_is_refused(client, db, lakeside, hours):
    id, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(hours), hours_ahead(hours + 8))

    async def remove_doctor(tx):
        await service.remove(tx, SYSTEM, doctor_id=UUID(id), if_match=None, now=hours_ahead(0.01))
        booking = asyncio.create_task(
            was_written(insert_appointment(db, id, ana, hours_ahead(hours + 4), hours_ahead(hours + 5)))
        )
        await wait_for_lock(db)
        return booking

    booking = await db.atomic(remove_doctor)
    assert await booking is False


async def test_a_removal_and_concurrent_bookings_do_not_both_succeed(client, db, lakeside):
    ana = await create_customer(client)
    for _ in range(5):
        id = await create_doctor(client)
        for n in range(4):
            await publish_slot(db, id, hours_ahead(24 + n), hours_ahead(25 + n))
        removal, *bookings = await asyncio.gather(
            client.delete(f"/api/doctors/{id}", headers=ADMIN),
            *(was_written(insert_appointment(db, id, ana, hours_ahead(24 + n), hours_ahead(25 + n))) for n in range(4)),
        )
        assert (removal.status_code, await count_live_appointments(db)) == (
            (409, sum(bookings)) if any(bookings) else (204, 0)
        )
        await db.execute("delete from appointment")


async def test_a_removal_and_concurrent_booking_requests_do_not_both_succeed(client, db, lakeside):
    for _ in range(3):
        id, ana = await create_doctor(client), await create_customer(client)
        await publish_slot(db, id, hours_ahead(24), hours_ahead(28))
        bodies = [appointment_body(id, ana, hours_ahead(24 + n)) for n in range(4)]
        removal, *responses = await asyncio.gather(
            client.delete(f"/api/doctors/{id}", headers=ADMIN),
            *(client.post("/api/appointments", json=body) for body in bodies),
        )
        assert {response.status_code for response in responses} <= {201, 409}
        assert (removal.status_code == 204) == (await count_live_appointments(db) == 0)
        await db.execute("delete from appointment")


async def test_concurrent_removals_remove_the_doctor_once(client, lakeside):
    id = await create_doctor(client)
    removals = await asyncio.gather(*(client.delete(f"/api/doctors/{id}", headers=ADMIN) for _ in range(4)))
    assert {removal.status_code for removal in removals} == {204}
    assert (await client.get(f"/api/doctors/{id}")).json()["version"] == 2


async def test_a_clinic_can_be_deactivated_with_its_doctors_during_the_day(client, db, lakeside):
    id, ana = await create_doctor(client), await create_customer(client)
    await publish_slot(db, id, hours_ahead(-2), hours_ahead(2))
    await insert_appointment(db, id, ana, hours_ahead(-2), hours_ahead(-1), status="fulfilled")
    assert (await client.delete("/api/clinics/1", params={"cascade": "true"}, headers=ADMIN)).status_code == 204
