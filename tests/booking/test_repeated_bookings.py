"""Idempotency keys: for exactly 24 hours, a repeated booking gets the result of the first one."""

from datetime import timedelta

import pytest

from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, create_world

KEY = {"Idempotency-Key": "a-booking"}


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await create_world(db, cache)


async def post(client, body, path="/api/appointments"):
    response = await client.post(path, json=body, headers=ADMIN | KEY)
    return response.status_code, response.headers.get("Idempotent-Replayed"), response.json().get("id")


async def make_older(db, table, age: timedelta):
    await db.execute(f"update {table} set created_at = now() - $1::interval", age)


async def test_repeating_a_slot_booking_works_after_the_slot_has_gone(client, world):
    slot_id = await world.db.fetchval("select id from booking_slot order by lower(during) limit 1")
    body = {"customerId": str(world.ana), "bookingSlotId": str(slot_id)}
    first = await post(client, body)
    absence = {
        "startTime": (world.nine - timedelta(hours=2)).isoformat(),
        "endTime": (world.nine + timedelta(hours=9)).isoformat(),
    }
    response = await client.post(f"/api/clinics/{world.clinic}/absences?force=true", json=absence, headers=ADMIN)
    assert response.status_code == 201
    assert await world.db.fetchval("select count(*) from booking_slot where id = $1", slot_id) == 0
    assert await post(client, body) == (201, "true", first[2])
    assert (await post(client, body | {"notes": "different"}))[0] == 422
    assert (await client.post("/api/appointments", json=body, headers=ADMIN)).status_code == 404


async def test_a_bookings_key_expires_after_24_hours_to_the_second(db, client, world):
    body = appointment_body(world)
    first = await post(client, body)
    await make_older(db, "appointment", timedelta(hours=23, minutes=59, seconds=58))
    assert await post(client, body) == (201, "true", first[2])
    assert (await post(client, appointment_body(world, hours=1)))[0] == 422
    await make_older(db, "appointment", timedelta(hours=24))
    status, replayed, new_id = await post(client, appointment_body(world, hours=1))
    assert (status, replayed, new_id != first[2]) == (201, None, True)
    assert await post(client, appointment_body(world, hours=1)) == (201, "true", new_id)


async def test_an_expired_key_does_not_hide_why_the_same_booking_is_now_refused(db, client, world):
    await post(client, appointment_body(world))
    await make_older(db, "appointment", timedelta(hours=25))
    refusal = await client.post("/api/appointments", json=appointment_body(world), headers=ADMIN | KEY)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "customer-busy")


async def test_other_requests_keys_expire_after_24_hours_to_the_second(db, client, world):
    path = f"/api/clinics/{world.clinic}/doctors"
    first = await post(client, {"name": "Dr Okafor"}, path)
    await make_older(db, "request_key", timedelta(hours=23, minutes=59, seconds=58))
    assert await post(client, {"name": "Dr Okafor"}, path) == (201, "true", first[2])
    assert (await post(client, {"name": "Dr Rao"}, path))[0] == 422
    await make_older(db, "request_key", timedelta(hours=24))
    status, replayed, new_id = await post(client, {"name": "Dr Rao"}, path)
    assert (status, replayed, new_id != first[2]) == (201, None, True)
    assert await post(client, {"name": "Dr Rao"}, path) == (201, "true", new_id)
