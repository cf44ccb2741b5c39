"""Doctor slots: the individual lines of a doctor's weekly hours."""

import asyncio

import pytest

from support.app import ADMIN
from support.hours import create_time_slot, hours, put_weekly_hours
from support.scheduling import events_of_type
from support.weekly_hours import add_doctor_slot, list_doctor_slots, pointers
from support.world import create_clinic, create_doctor


@pytest.fixture
async def shah(client):
    """Create a clinic in Berlin with a doctor, and return the doctor's id."""
    await create_clinic(client)
    return await create_doctor(client)


async def test_a_created_doctor_slot_can_be_read_back(client, shah):
    response = await add_doctor_slot(
        client,
        shah,
        weekday="tuesday",
        startTime="09:00",
        endTime="12:00",
        validFrom="2027-03-01",
        validUntil="2027-03-31",
    )
    doctor_slot = response.json()
    assert response.status_code == 201
    assert (doctor_slot["weekday"], doctor_slot["startTime"], doctor_slot["endTime"], doctor_slot["timeSlotId"]) == (
        "tuesday",
        "09:00",
        "12:00",
        None,
    )
    assert (doctor_slot["validFrom"], doctor_slot["validUntil"], doctor_slot["doctorId"], doctor_slot["clinicId"]) == (
        "2027-03-01",
        "2027-03-31",
        shah,
        1,
    )
    assert (await client.get(response.headers["Location"])).json() == doctor_slot


async def test_an_invalid_doctor_slot_is_refused(client, shah):
    for content, pointer in [
        ({"weekday": "monday"}, "#/startTime"),
        ({"weekday": "monday", "startTime": "09:00"}, "#/startTime"),
        (
            {
                "weekday": "monday",
                "startTime": "09:00",
                "endTime": "12:00",
                "timeSlotId": "00000001-0000-8000-8000-000000000000",
            },
            "#/timeSlotId",
        ),
        ({"weekday": "monday", "startTime": "12:00", "endTime": "09:00"}, "#/endTime"),
        ({"weekday": "Monday", "startTime": "09:00", "endTime": "12:00"}, "#/weekday"),
        ({"startTime": "09:00", "endTime": "12:00"}, "#/weekday"),
        ({"weekday": "monday", "startTime": "09:00", "endTime": "12:00", "validFrom": "2027-02-29"}, "#/validFrom"),
        (
            {
                "weekday": "monday",
                "startTime": "09:00",
                "endTime": "12:00",
                "validFrom": "2027-03-02",
                "validUntil": "2027-03-01",
            },
            "#/validUntil",
        ),
        ({"weekday": "monday", "startTime": "09:00", "endTime": "12:00", "validUntil": "9999-12-31"}, "#/validUntil"),
    ]:
        refusal = await add_doctor_slot(client, shah, **content)
        assert (refusal.status_code, pointers(refusal)) == (400, [pointer]), content


async def test_a_doctor_slot_gets_its_times_from_its_time_slot(client, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    doctor_slot = (await add_doctor_slot(client, shah, weekday="monday", timeSlotId=morning)).json()
    assert (doctor_slot["startTime"], doctor_slot["endTime"], doctor_slot["timeSlotId"]) == ("09:00", "12:00", morning)


async def test_a_doctor_slot_cannot_use_another_clinics_time_slot(client, shah):
    await create_clinic(client)
    other_time_slot = await create_time_slot(client, "09:00", "12:00", clinic_id=2)
    assert (await add_doctor_slot(client, shah, weekday="monday", timeSlotId=other_time_slot)).status_code == 404


async def test_a_doctor_slot_cannot_use_a_removed_time_slot(client, shah):
    morning = await create_time_slot(client, "09:00", "12:00")
    await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    assert (await add_doctor_slot(client, shah, weekday="monday", timeSlotId=morning)).status_code == 404


async def test_overlapping_doctor_slots_are_refused(client, shah):
    await add_doctor_slot(client, shah, weekday="monday", startTime="09:00", endTime="12:00")
    refusal = await add_doctor_slot(client, shah, weekday="monday", startTime="11:00", endTime="13:00")
    assert (refusal.status_code, refusal.json()["reason"]) == (409, "schedule-lines-overlap")


@pytest.mark.parametrize(
    "difference", [{"weekday": "tuesday"}, {"startTime": "12:00", "endTime": "13:00"}, {"validFrom": "2027-04-01"}]
)
async def test_doctor_slots_on_other_days_times_or_dates_do_not_overlap(client, shah, difference):
    nine = {"weekday": "monday", "startTime": "09:00", "endTime": "12:00"}
    await add_doctor_slot(client, shah, **nine, validUntil="2027-03-31")
    assert (await add_doctor_slot(client, shah, **(nine | difference))).status_code == 201


async def test_only_one_of_several_concurrent_doctor_slots_is_created(client, shah):
    adding = [add_doctor_slot(client, shah, weekday="monday", startTime="09:00", endTime="12:00") for _ in range(8)]
    assert sorted(response.status_code for response in await asyncio.gather(*adding)) == [201] + [409] * 7


async def test_a_doctor_slot_can_be_replaced(client, db, shah):
    doctor_slot = (await add_doctor_slot(client, shah, weekday="monday", startTime="09:00", endTime="12:00")).json()
    content = {"weekday": "friday", "startTime": "10:00", "endTime": "11:00", "validFrom": "2027-03-01"}
    response = await client.put(
        f"/api/doctors/slots/{doctor_slot['id']}", json=content, headers=ADMIN | {"If-Match": '"v1"'}
    )
    assert (response.status_code, response.json()["version"]) == (200, 2)
    assert await list_doctor_slots(client, shah) == [("friday", "10:00", "11:00", "2027-03-01", None)]
    assert len(await events_of_type(db, "schedule.changed")) == 2


async def test_a_removed_doctor_slot_is_no_longer_listed_but_stays_readable(client, db, shah):
    doctor_slot = (await add_doctor_slot(client, shah, weekday="monday", startTime="09:00", endTime="12:00")).json()
    assert [
        (await client.delete(f"/api/doctors/slots/{doctor_slot['id']}", headers=ADMIN)).status_code for _ in range(2)
    ] == [
        204,
        204,
    ]
    assert await list_doctor_slots(client, shah) == []
    assert (await client.get(f"/api/doctors/slots/{doctor_slot['id']}")).json()["active"] is False
    assert len(await events_of_type(db, "schedule.changed")) == 2


async def test_doctor_slots_are_paginated_from_monday(client, shah):
    await put_weekly_hours(client, shah, friday=hours("09:00-10:00"), monday=hours("13:00-14:00", "09:00-10:00"))
    first = (await client.get(f"/api/doctors/{shah}/slots", params={"limit": 2})).json()
    rest = (await client.get(f"/api/doctors/{shah}/slots", params={"limit": 2, "cursor": first["next"]})).json()
    assert [(each["weekday"], each["startTime"]) for each in first["items"] + rest["items"]] == [
        ("monday", "09:00"),
        ("monday", "13:00"),
        ("friday", "09:00"),
    ]


async def test_a_clinic_can_require_versions(client):
    await create_clinic(client, policy={"requireVersion": True})
    shah = await create_doctor(client)
    doctor_slot = (await add_doctor_slot(client, shah, weekday="monday", startTime="09:00", endTime="12:00")).json()
    assert (await client.delete(f"/api/doctors/slots/{doctor_slot['id']}", headers=ADMIN)).status_code == 428
    assert (await put_weekly_hours(client, shah)).status_code == 428
