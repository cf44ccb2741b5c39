"""Booking slots over HTTP."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, local
from support.weekly_hours import pointers, published_doctor
from support.world import create_customer


@pytest.fixture
async def shah(client):
    """Create a clinic in Berlin with a doctor who works on Mondays, and publish two weeks. Return the doctor's id."""
    return await published_doctor(
        client, last=COMING_MONDAY + timedelta(days=7), monday=hours("09:00-10:00", "10:00-12:00", "13:00-17:00")
    )


async def list_slots(client, shah, headers=None, **params):
    return (await client.get(f"/api/doctors/{shah}/bookingSlots", params=params, headers=headers)).json()["items"]


async def assign_slot(client, slot, customer_id, **headers):
    return await client.put(
        f"/api/bookingSlots/{slot['id']}", json={"customerId": customer_id}, headers=ADMIN | headers
    )


async def test_slots_are_paginated_by_start_time(client, shah):
    path, params, slots = f"/api/doctors/{shah}/bookingSlots", {"limit": 4}, []
    while params.get("cursor", "first"):
        page = (await client.get(path, params=params)).json()
        slots += page["items"]
        params = {"limit": 4, "cursor": page["next"]}
    assert [slot["startTime"] for slot in slots] == sorted({slot["startTime"] for slot in slots})
    assert len(slots) == 6


async def test_pages_stay_complete_while_slots_are_added(client, shah):
    first = (await client.get(f"/api/doctors/{shah}/bookingSlots", params={"limit": 2})).json()
    body = {
        "doctorId": shah,
        "startTime": local(COMING_MONDAY, "07:00").isoformat(),
        "endTime": local(COMING_MONDAY, "08:00").isoformat(),
    }
    assert (await client.post("/api/bookingSlots", json=body, headers=ADMIN)).status_code == 201
    rest = await list_slots(client, shah, limit=200, cursor=first["next"])
    assert len({slot["id"] for slot in first["items"] + rest}) == 6


async def test_slots_can_be_filtered_by_date(client, shah):
    assert {
        slot["date"] for slot in await list_slots(client, shah, **{"from": COMING_MONDAY, "to": COMING_MONDAY})
    } == {str(COMING_MONDAY)}
    assert len(await list_slots(client, shah, **{"from": COMING_MONDAY + timedelta(days=1)})) == 3
    assert await list_slots(client, shah, to="2020-01-01") == []


async def test_an_invalid_query_is_refused(client, shah):
    for params in [
        {"from": "2027-03-02", "to": "2027-03-01"},
        {"status": "open"},
        {"limit": 0},
        {"limit": 10**9},
        {"cursor": "AAAA"},
        {"from": "x"},
        {"q": "x"},
    ]:
        assert (await client.get(f"/api/doctors/{shah}/bookingSlots", params=params)).status_code == 400, params


async def test_an_unknown_doctors_slots_are_not_found(client, shah):
    assert (await client.get("/api/doctors/00000001-0000-8000-8000-000000000000/bookingSlots")).status_code == 404
    assert (await client.get("/api/bookingSlots/00000002-0000-8000-8000-000000000000")).status_code == 404


async def test_a_whole_slot_can_be_assigned_to_a_customer(client, shah):
    ana = await create_customer(client)
    slot = (await list_slots(client, shah))[0]
    response = await assign_slot(client, slot, ana)
    assert (response.status_code, response.json()["customerId"]) == (200, ana)
    assert [each["customerId"] for each in response.json()["appointments"]] == [ana]


async def test_assigning_a_slot_to_the_same_customer_again_has_no_effect(db, client, shah):
    ana, ben = await create_customer(client), await create_customer(client, name="Ben")
    slot = (await list_slots(client, shah))[0]
    responses = [await assign_slot(client, slot, ana) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 200]
    assert responses[0].json() == responses[1].json()
    assert await db.fetchval("select count(*) from appointment") == 1
    assert (await assign_slot(client, slot, ben)).status_code == 409


async def test_only_one_of_several_concurrent_assignments_succeeds(client, shah):
    slot = (await list_slots(client, shah))[0]
    customers = [await create_customer(client) for _ in range(6)]
    responses = await asyncio.gather(*(assign_slot(client, slot, each) for each in customers))
    assert sorted(response.status_code for response in responses) == [200] + [409] * 5
    assert {response.json().get("reason") for response in responses} == {None, "taken"}


async def test_a_removed_slot_cannot_be_assigned(client, shah):
    slot = (await list_slots(client, shah))[0]
    await client.delete(f"/api/bookingSlots/{slot['id']}", headers=ADMIN)
    assert (await assign_slot(client, slot, await create_customer(client))).json()["reason"] == "outside-hours"


async def test_assigning_an_outdated_version_of_a_slot_is_refused(client, shah):
    slot = (await list_slots(client, shah))[0]
    assert (await assign_slot(client, slot, await create_customer(client), **{"If-Match": '"v2"'})).status_code == 412


async def test_only_the_clinic_sees_a_slots_customer(client, shah):
    ana = await create_customer(client)
    await assign_slot(client, (await list_slots(client, shah))[0], ana)
    assert ana not in str(await list_slots(client, shah))
    customers = [slot["customerId"] for slot in await list_slots(client, shah, headers=ADMIN)]
    assert customers == [ana] + [None] * 5
    slot = (await client.get(f"/api/bookingSlots/{(await list_slots(client, shah))[0]['id']}")).json()
    assert not {"customerId", "appointments"} & slot.keys()


async def test_a_booking_changes_a_slots_etag_for_the_clinic(client, shah):
    slot = (await list_slots(client, shah))[0]
    tag = (await client.get(f"/api/bookingSlots/{slot['id']}", headers=ADMIN)).headers["ETag"]
    await assign_slot(client, slot, await create_customer(client))
    assert (
        await client.get(f"/api/bookingSlots/{slot['id']}", headers=ADMIN | {"If-None-Match": tag})
    ).status_code == 200


async def test_slots_can_be_filtered_by_whether_they_are_booked(client, shah):
    await assign_slot(client, (await list_slots(client, shah))[2], await create_customer(client))
    assert [len(await list_slots(client, shah, status=status)) for status in ("free", "booked")] == [5, 1]


async def test_a_partly_booked_slot_counts_as_booked_but_has_no_customer(client, shah):
    slot = (await list_slots(client, shah))[2]
    start = local(COMING_MONDAY, "13:00").isoformat()
    end = local(COMING_MONDAY, "13:30").isoformat()
    body = {"customerId": await create_customer(client), "doctorId": shah, "startTime": start, "endTime": end}
    assert (await client.post("/api/appointments", json=body)).status_code == 201
    booked_slot = (await client.get(f"/api/bookingSlots/{slot['id']}", headers=ADMIN)).json()
    assert (booked_slot["customerId"], len(booked_slot["appointments"])) == (None, 1)
    assert [each["id"] for each in await list_slots(client, shah, status="booked")] == [slot["id"]]


async def test_an_invalid_change_to_a_slot_is_refused(client, shah):
    slot = (await list_slots(client, shah))[0]
    for body, pointer in [
        ({}, "#/startTime"),
        ({"startTime": "2027-03-01T09:00:00Z"}, "#/startTime"),
        ({"startTime": "2027-03-01T09:00:00Z", "endTime": "2027-03-01T09:00:00Z"}, "#/endTime"),
        ({"startTime": "2027-03-01T09:00:00", "endTime": "2027-03-01T10:00:00Z"}, "#/startTime"),
        (
            {
                "startTime": "2027-03-01T09:00:00Z",
                "endTime": "2027-03-01T10:00:00Z",
                "customerId": "00000001-0000-8000-8000-000000000000",
            },
            "#/customerId",
        ),
    ]:
        refusal = await client.put(f"/api/bookingSlots/{slot['id']}", json=body, headers=ADMIN)
        assert (refusal.status_code, pointers(refusal)) == (400, [pointer]), body


async def test_a_repeated_request_publishes_one_slot(client, shah):
    body = {
        "doctorId": shah,
        "startTime": local(COMING_MONDAY, "18:00").isoformat(),
        "endTime": local(COMING_MONDAY, "19:00").isoformat(),
    }
    responses = [
        await client.post("/api/bookingSlots", json=body, headers=ADMIN | {"Idempotency-Key": "evening"})
        for _ in range(2)
    ]
    assert [response.status_code for response in responses] == [201, 201]
    assert responses[0].json()["id"] == responses[1].json()["id"]
    assert (await client.get(responses[0].headers["Location"])).json()["source"] == "manual"


async def test_anonymous_callers_cannot_change_slots(client, shah):
    slot = (await list_slots(client, shah))[0]
    assert (await client.delete(f"/api/bookingSlots/{slot['id']}")).status_code == 401
    assert (
        await client.put(f"/api/bookingSlots/{slot['id']}", json={"customerId": str(UUID(int=1))})
    ).status_code == 401
    assert (
        await client.post(
            "/api/availability/createBookingSlots", json={"clinicId": 1, "from": "2027-03-01", "to": "2027-03-01"}
        )
    ).status_code == 401


async def test_a_slot_can_be_moved_and_removed(client, shah):
    slot = (await list_slots(client, shah))[0]
    body = {
        "startTime": local(COMING_MONDAY, "08:00").isoformat(),
        "endTime": local(COMING_MONDAY, "10:00").isoformat(),
    }
    response = await client.put(f"/api/bookingSlots/{slot['id']}", json=body, headers=ADMIN | {"If-Match": '"v1"'})
    assert (response.status_code, response.json()["version"], response.headers["ETag"]) == (200, 2, '"v2"')
    assert (
        await client.delete(f"/api/bookingSlots/{slot['id']}", headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412
    assert (
        await client.delete(f"/api/bookingSlots/{slot['id']}", headers=ADMIN | {"If-Match": '"v2"'})
    ).status_code == 204
