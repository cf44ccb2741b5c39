"""Cancelling whole bookings over HTTP."""

import pytest

from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, create_world
from support.staff import sign_in_receptionist


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await create_world(db, cache)


async def book(client, world, *hours):
    """Book one appointment at each of the given hours. Return the booking's path and its appointments."""
    parts = [
        {name: value for name, value in appointment_body(world, hours=hour).items() if name != "customerId"}
        for hour in hours
    ]
    body = {"clinicId": world.clinic, "customerId": str(world.ana), "appointments": parts}
    response = await client.post("/api/bookings", json=body, headers=ADMIN)
    return response.headers["Location"], response.json()["appointments"]


async def statuses(client, path):
    return [each["status"] for each in (await client.get(path, headers=ADMIN)).json()["appointments"]]


async def test_a_booking_is_cancelled_with_all_its_appointments(client, world, db):
    path, _ = await book(client, world, 2, 0, 1)
    response = await client.delete(path, params={"reason": "Dr Shah is ill"}, headers=ADMIN)
    assert (response.status_code, response.content) == (204, b"")
    assert await statuses(client, path) == ["cancelled"] * 3
    assert (await client.delete(path, headers=ADMIN)).status_code == 204
    assert await db.fetchval("select count(*) from event where type = 'appointment.cancelled'") == 3
    entries = await db.fetch("select cardinality(subjects) as n from audit_unsealed where action = 'cancelBooking'")
    assert [entry.n for entry in entries] == [3, 3]


async def test_a_cancelled_appointment_does_not_prevent_cancelling_the_others(client, world):
    path, (first, _) = await book(client, world, 0, 1)
    await client.delete(f"/api/appointments/{first['id']}", headers=ADMIN)
    assert (await client.delete(path, headers=ADMIN)).status_code == 204
    assert await statuses(client, path) == ["cancelled"] * 2


async def test_nothing_is_cancelled_if_one_appointment_cannot_be_cancelled(client, world):
    path, (_, second) = await book(client, world, 0, 1)
    await world.db.execute("update appointment set status = 'fulfilled' where id = $1", second["id"])
    refusal = await client.delete(path, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["index"]) == (409, "wrong-status", 1)
    assert await statuses(client, path) == ["booked", "fulfilled"]


async def test_an_unknown_booking_is_not_found_and_strangers_are_refused(client, world):
    path, _ = await book(client, world, 0)
    assert (await client.delete(path)).status_code == 401
    unknown = path.rpartition("/")[0] + "/00000001-0197-82e3-8f22-029f62866244"
    assert (await client.delete(unknown, headers=ADMIN)).status_code == 404


async def test_staff_get_the_address_that_undoes_a_cancellation(client, world, db):
    path, (first, *_) = await book(client, world, 0, 1)
    reception = await sign_in_receptionist(db, client, clinic_id=world.clinic)
    for address in (path, f"/api/appointments/{first['id']}"):
        response = await client.delete(address, headers=reception | {"If-Match": "*"})
        assert response.status_code == 204
        undone = await client.post(response.headers["Undo-URL"], headers=reception)
        assert {each["status"] for each in undone.json()["appointments"]} == {"booked"}


async def test_patients_are_not_offered_an_undo_for_their_cancellation(client, world):
    _, (first,) = await book(client, world, 0)
    headers = {"Authorization": f"Bearer {first['manageToken']}"}
    response = await client.delete(f"/api/appointments/{first['id']}", headers=headers)
    assert (response.status_code, response.headers.get("Undo-URL")) == (204, None)
