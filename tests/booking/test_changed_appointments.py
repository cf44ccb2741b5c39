"""Lists of changed appointments, for partners that keep a copy, and lists filtered by several statuses."""

from datetime import timedelta

import pytest

from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.appointments import appointment_body, create_world


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await create_world(db, cache)


async def book(client, world, *, hours):
    return (await client.post("/api/appointments", json=appointment_body(world, hours=hours))).json()["id"]


async def ids(client, world, query):
    page = (await client.get(f"/api/clinics/{world.clinic}/appointments", params=query, headers=ADMIN)).json()
    return [item["id"] for item in page["items"]]


async def test_changed_appointments_are_ordered_by_their_last_change(client, world):
    late, early, middle = [await book(client, world, hours=hours) for hours in (3, 1, 2)]
    since = clock.now().isoformat()
    assert await ids(client, world, {"updatedSince": since}) == []
    await client.delete(f"/api/appointments/{late}", headers=ADMIN)
    await client.patch(f"/api/appointments/{early}", json={"notes": "Bring the X-ray"}, headers=ADMIN)
    assert await ids(client, world, {"updatedSince": since}) == [late, early]
    assert await ids(client, world, {"updatedSince": since, "status": "cancelled"}) == [late]
    assert await ids(client, world, {}) == [early, middle, late]


async def test_changes_made_while_paging_are_not_missed(client, world):
    first, second, third = [await book(client, world, hours=hours) for hours in (1, 2, 3)]
    since = (clock.now() - timedelta(hours=1)).isoformat()
    path = f"/api/clinics/{world.clinic}/appointments"
    page = await client.get(path, params={"updatedSince": since, "limit": 2}, headers=ADMIN)
    assert [item["id"] for item in page.json()["items"]] == [first, second]
    await client.delete(f"/api/appointments/{first}", headers=ADMIN)
    rest = await client.get(page.links["next"]["url"], headers=ADMIN)
    assert [(item["id"], item["status"]) for item in rest.json()["items"]] == [(third, "booked"), (first, "cancelled")]


async def test_lists_can_be_filtered_by_several_statuses(client, world):
    cancelled, booked, held = [
        await book(client, world, hours=1),
        await book(client, world, hours=2),
        (await client.post("/api/appointments", json=appointment_body(world, hours=3, hold=True))).json()["id"],
    ]
    await client.delete(f"/api/appointments/{cancelled}", headers=ADMIN)
    assert await ids(client, world, {"status": ["cancelled", "booked"]}) == [cancelled, booked]
    assert await ids(client, world, {"status": ["pending"]}) == [held]
    path = f"/api/clinics/{world.clinic}/bookings?status=booked&status=pending"
    bookings = (await client.get(path, headers=ADMIN)).json()["items"]
    assert [booking["appointments"][0]["id"] for booking in bookings] == [booked, held]


async def test_an_invalid_status_or_time_is_reported(client, world):
    for query, pointer in {
        "status=booked&status=open": "?status/1",
        "status=": "?status/0",
        "updatedSince=yesterday": "?updatedSince",
        "updatedSince=1800000000": "?updatedSince",
        "from=2027-01-01&from=2027-01-02": "?from",
    }.items():
        refusal = await client.get(f"/api/clinics/{world.clinic}/appointments?{query}", headers=ADMIN)
        assert refusal.status_code == 400, query
        assert [fault["pointer"] for fault in refusal.json()["errors"]] == [pointer]


async def changed_bookings(client, world, **query):
    page = (await client.get(f"/api/clinics/{world.clinic}/bookings", params=query, headers=ADMIN)).json()
    return [item["bookingId"] for item in page["items"]], page["next"]


async def test_changed_bookings_are_ordered_by_the_last_change_to_an_appointment(client, world):
    late, early, middle = [await book(client, world, hours=hours) for hours in (3, 1, 2)]
    booking_of = {}
    for appointment in (late, early, middle):
        response = await client.get(f"/api/appointments/{appointment}", headers=ADMIN)
        booking_of[appointment] = response.json()["bookingId"]
    since = clock.now().isoformat()
    assert await changed_bookings(client, world, updatedSince=since) == ([], None)
    await client.delete(f"/api/appointments/{late}", headers=ADMIN)
    await client.patch(f"/api/appointments/{early}", json={"notes": "Bring the X-ray"}, headers=ADMIN)
    first, next_page = await changed_bookings(client, world, updatedSince=since, limit=1)
    second, end = await changed_bookings(client, world, updatedSince=since, limit=1, cursor=next_page)
    assert (first, second, end) == ([booking_of[late]], [booking_of[early]], None)
    cancelled, _ = await changed_bookings(client, world, updatedSince=since, status="cancelled")
    assert cancelled == [booking_of[late]]
