"""Time slots: a clinic's named units of time, and the doctor slots that follow them."""

import asyncio
from uuid import UUID

import pytest

from appoint.database.pool import Transaction
from appoint.kit import clock
from appoint.kit.actors import SYSTEM
from appoint.scheduling.weekly_hours import service
from appoint.scheduling.weekly_hours.model import TimeSlotContent
from support.app import ADMIN
from support.database import wait_for_lock
from support.hours import create_time_slot, put_weekly_hours
from support.scheduling import events_of_type
from support.weekly_hours import add_doctor_slot, list_doctor_slots, pointers
from support.world import create_clinic, create_doctor

TIME_SLOTS = "/api/clinics/1/timeslots"


@pytest.fixture
async def shah(client):
    """Create a clinic in Berlin with a doctor, and return the doctor's id."""
    await create_clinic(client)
    return await create_doctor(client)


async def test_a_created_time_slot_can_be_read_back(client, shah):
    response = await client.post(
        TIME_SLOTS, json={"name": "Morning", "startTime": "09:00", "endTime": "12:30"}, headers=ADMIN
    )
    body = response.json()
    assert response.status_code == 201
    assert (body["name"], body["startTime"], body["endTime"], body["clinicId"], body["version"]) == (
        "Morning",
        "09:00",
        "12:30",
        1,
        1,
    )
    assert (await client.get(response.headers["Location"])).json() == body


async def test_a_time_slot_can_end_at_midnight(client, shah):
    response = await client.post(TIME_SLOTS, json={"startTime": "18:00", "endTime": "24:00"}, headers=ADMIN)
    assert response.json()["endTime"] == "24:00"


async def test_an_invalid_time_slot_is_refused(client, shah):
    for content, pointer in [
        ({"startTime": "12:00", "endTime": "09:00"}, "#/endTime"),
        ({"startTime": "09:00", "endTime": "09:00"}, "#/endTime"),
        ({"startTime": "24:00", "endTime": "24:00"}, "#/startTime"),
        ({"startTime": "9:00", "endTime": "12:00"}, "#/startTime"),
        ({"startTime": "09:00", "endTime": "24:01"}, "#/endTime"),
        ({"startTime": "09:00", "endTime": "12:00", "name": " "}, "#/name"),
        ({"startTime": "09:00"}, "#/endTime"),
    ]:
        refusal = await client.post(TIME_SLOTS, json=content, headers=ADMIN)
        assert (refusal.status_code, pointers(refusal)) == (400, [pointer]), content


async def test_overlapping_time_slots_are_refused(client, shah):
    await create_time_slot(client, "09:00", "12:00")
    refusal = await client.post(TIME_SLOTS, json={"startTime": "11:59", "endTime": "13:00"}, headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "time-slots-intersect")


async def test_adjacent_time_slots_are_allowed(client, shah):
    await create_time_slot(client, "09:00", "12:00")
    assert (
        await client.post(TIME_SLOTS, json={"startTime": "12:00", "endTime": "13:00"}, headers=ADMIN)
    ).status_code == 201


async def test_clinics_have_independent_time_slots(client, shah):
    await create_time_slot(client, "09:00", "12:00")
    other = await create_clinic(client)
    response = await client.post(
        f"/api/clinics/{other}/timeslots", json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN
    )
    assert response.status_code == 201


async def test_only_one_of_several_concurrent_time_slots_is_created(client, shah):
    adding = [client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN) for _ in range(8)]
    assert sorted(response.status_code for response in await asyncio.gather(*adding)) == [201] + [409] * 7


async def test_a_repeated_request_creates_one_time_slot(client, shah):
    request = {"json": {"startTime": "09:00", "endTime": "12:00"}, "headers": ADMIN | {"Idempotency-Key": "once"}}
    first, second = await client.post(TIME_SLOTS, **request), await client.post(TIME_SLOTS, **request)
    assert (second.status_code, second.headers["Idempotent-Replayed"], second.json()) == (201, "true", first.json())


async def test_time_slots_are_paginated_by_start_time(client, shah):
    for start in (10, 8, 9):
        await create_time_slot(client, f"{start:02}:00", f"{start:02}:30")
    first = (await client.get(TIME_SLOTS, params={"limit": 2})).json()
    rest = (await client.get(TIME_SLOTS, params={"limit": 2, "cursor": first["next"]})).json()
    assert [slot["startTime"] for slot in first["items"] + rest["items"]] == ["08:00", "09:00", "10:00"]
    assert rest["next"] is None


async def test_a_new_time_slot_is_listed_immediately(client, shah):
    assert (await client.get(TIME_SLOTS)).json()["items"] == []
    await create_time_slot(client, "09:00", "12:00")
    assert len((await client.get(TIME_SLOTS)).json()["items"]) == 1


async def test_time_slots_for_an_unknown_clinic_are_not_found(client):
    assert (await client.get(TIME_SLOTS)).status_code == 404
    assert (
        await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN)
    ).status_code == 404


async def test_an_inactive_clinic_does_not_accept_new_time_slots(client):
    await create_clinic(client)
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert (await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN)).json()[
        "reason"
    ] == "clinic-inactive"


async def test_doctor_slots_follow_a_change_to_their_time_slot(client, db, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    await add_doctor_slot(client, shah, weekday="monday", timeSlotId=morning)
    await client.put(f"/api/timeslots/{morning}", json={"startTime": "08:00", "endTime": "11:00"}, headers=ADMIN)
    assert await list_doctor_slots(client, shah) == [("monday", "08:00", "11:00", None, None)]
    assert [event.subject_id for event in await events_of_type(db, "schedule.changed")] == [shah, shah]


async def test_a_time_slot_cannot_move_onto_other_doctor_slots(client, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    await add_doctor_slot(client, shah, weekday="monday", timeSlotId=morning)
    await add_doctor_slot(client, shah, weekday="monday", startTime="13:00", endTime="14:00")
    refusal = await client.put(
        f"/api/timeslots/{morning}", json={"startTime": "09:00", "endTime": "13:30"}, headers=ADMIN
    )
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "schedule-lines-overlap")
    assert (await list_doctor_slots(client, shah))[0] == ("monday", "09:00", "12:00", None, None)


async def test_a_time_slot_cannot_move_onto_another(client, shah):
    await create_time_slot(client, "09:00", "12:00")
    afternoon = await create_time_slot(client, "13:00", "15:00")
    refusal = await client.put(
        f"/api/timeslots/{afternoon}", json={"startTime": "11:00", "endTime": "15:00"}, headers=ADMIN
    )
    assert refusal.json()["reason"] == "time-slots-intersect"


async def test_a_time_slot_in_use_cannot_be_removed(client, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    await put_weekly_hours(client, shah, monday=[{"timeSlotId": morning}], tuesday=[{"timeSlotId": morning}])
    refusal = await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    assert (refusal.status_code, refusal.json()["reason"], refusal.json()["doctorSlots"]) == (
        409,
        "time-slot-in-use",
        2,
    )


async def test_a_removed_time_slot_is_no_longer_listed_but_stays_readable(client, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    assert [(await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)).status_code for _ in range(2)] == [
        204,
        204,
    ]
    assert (await client.get(TIME_SLOTS)).json()["items"] == []
    assert (await client.get(f"/api/timeslots/{morning}")).json()["active"] is False


async def test_a_removed_time_slots_time_can_be_used_again(client, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    assert (
        await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN)
    ).status_code == 201


async def test_changing_an_outdated_version_of_a_time_slot_is_refused(client, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    content = {"startTime": "09:00", "endTime": "11:00"}
    await client.put(f"/api/timeslots/{morning}", json=content, headers=ADMIN)
    assert (
        await client.put(f"/api/timeslots/{morning}", json=content, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412


async def test_doctor_slots_added_while_their_time_slot_moves_get_its_new_times(client, db, shah):
    """The second request waits for the first, and no request deadlocks."""
    morning = await create_time_slot(client, "06:00", "07:00")
    others = [await create_doctor(client) for _ in range(4)]
    moving = [
        client.put(f"/api/timeslots/{morning}", json={"startTime": f"06:{n:02}", "endTime": "07:00"}, headers=ADMIN)
        for n in range(1, 7)
    ]
    adding = [
        add_doctor_slot(client, doctor_id, weekday=day, timeSlotId=morning)
        for doctor_id in others
        for day in ("monday", "friday")
    ]
    responses = await asyncio.gather(
        *(each for pair in zip(moving, adding, strict=False) for each in pair), *adding[len(moving) :]
    )
    assert {response.status_code for response in responses} == {200, 201}
    assert await db.fetchval("select count(distinct minutes) from doctor_slot join time_slot using (minutes)") == 1


async def test_a_new_doctors_slot_waits_for_a_change_to_its_time_slot(client, db, shah):
    """The doctor and the doctor slot are added before the change to the time slot commits."""
    morning = await create_time_slot(client, "09:00", "12:00")
    async with db.connection() as connection:
        changing = connection.transaction()
        await changing.start()
        content = TimeSlotContent(start_time="08:00", end_time="11:00")
        await service.change_time_slot(
            Transaction(connection),
            SYSTEM,
            time_slot_id=UUID(morning),
            content=content,
            if_match=None,
            now=clock.now(),
        )
        okafor = await create_doctor(client)
        adding = asyncio.create_task(add_doctor_slot(client, okafor, weekday="monday", timeSlotId=morning))
        await wait_for_lock(db)
        await changing.commit()
        assert (await adding).json()["startTime"] == "08:00"
