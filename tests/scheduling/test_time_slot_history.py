"""Changing or removing a time slot doesn't alter past weeks."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from support.app import ADMIN
from support.hours import create_time_slot, put_weekly_hours
from support.run_clock import START
from support.weekly_hours import list_doctor_slots
from support.world import create_clinic, create_doctor

TODAY = START.astimezone(ZoneInfo("Europe/Berlin")).date()
LAST_MONTH = TODAY - timedelta(days=30)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
async def shah(client, db):
    """Create a clinic in Berlin with a doctor, and return the doctor's id."""
    await create_clinic(client)
    return await create_doctor(client)


@pytest.fixture
async def morning(client, db, shah) -> str:
    """A time slot that Dr Shah's Monday hours have used since last month."""
    slot = await create_time_slot(client, "09:00", "12:00")
    await put_weekly_hours(client, shah, LAST_MONTH, monday=[{"timeSlotId": slot}])
    await db.execute("update doctor_slot set created_at = created_at - interval '30 days'")
    return slot


async def put(client, time_slot: str, start: str, end: str):
    return await client.put(f"/api/timeslots/{time_slot}", json={"startTime": start, "endTime": end}, headers=ADMIN)


async def monday_on(client, doctor_id: str, day) -> list[tuple[str, str]]:
    week = (await client.get(f"/api/doctors/{doctor_id}/schedule", params={"on": str(day)})).json()["weekly"]
    return [(hours["startTime"], hours["endTime"]) for hours in week["monday"]]


async def test_a_changed_time_slot_leaves_past_weeks_as_they_were(client, shah, morning):
    assert (await put(client, morning, "08:00", "11:00")).status_code == 200
    assert [await monday_on(client, shah, day) for day in (LAST_MONTH, YESTERDAY, TODAY)] == [
        [("09:00", "12:00")],
        [("09:00", "12:00")],
        [("08:00", "11:00")],
    ]


async def test_a_changed_time_slot_splits_lines_once(client, shah, morning):
    for start in ("08:00", "07:00"):
        await put(client, morning, start, "11:00")
    assert await list_doctor_slots(client, shah) == [
        ("monday", "07:00", "11:00", str(TODAY), None),
        ("monday", "09:00", "12:00", str(LAST_MONTH), str(YESTERDAY)),
    ]


async def test_renaming_a_time_slot_does_not_split_lines(client, shah, morning):
    body = {"startTime": "09:00", "endTime": "12:00", "name": "Morning"}
    assert (await client.put(f"/api/timeslots/{morning}", json=body, headers=ADMIN)).status_code == 200
    assert await list_doctor_slots(client, shah) == [("monday", "09:00", "12:00", str(LAST_MONTH), None)]


async def test_lines_that_have_ended_do_not_prevent_removing_a_time_slot(client, shah, morning):
    await put_weekly_hours(client, shah)  # an empty week from today on
    assert (await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)).status_code == 204
    assert await monday_on(client, shah, YESTERDAY) == [("09:00", "12:00")]


async def test_lines_that_have_not_ended_prevent_removing_a_time_slot(client, shah, morning):
    await put_weekly_hours(client, shah, TODAY + timedelta(days=7))
    refusal = await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    assert (refusal.status_code, refusal.json()["doctorSlots"]) == (409, 1)


async def test_lines_that_have_ended_do_not_prevent_changing_a_time_slot(client, shah, morning):
    afternoon = await create_time_slot(client, "13:00", "15:00")
    await put_weekly_hours(client, shah, LAST_MONTH, monday=[{"timeSlotId": morning}, {"timeSlotId": afternoon}])
    await put_weekly_hours(client, shah)
    assert (await client.delete(f"/api/timeslots/{afternoon}", headers=ADMIN)).status_code == 204
    assert (await put(client, morning, "09:00", "14:00")).status_code == 200
    assert await monday_on(client, shah, YESTERDAY) == [("09:00", "12:00"), ("13:00", "15:00")]


@pytest.mark.parametrize("removed", [True, False])
async def test_doctors_whose_lines_have_ended_get_an_event_too(client, db, shah, morning, removed):
    await put_weekly_hours(client, shah)
    await db.execute("delete from event")
    if removed:
        await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    else:
        await put(client, morning, "08:00", "11:00")
    events = await db.fetch("select type, subject_id from event order by type")
    assert [(event.type, event.subject_id) for event in events] == [
        ("schedule.changed", shah),
        ("time-slot.removed" if removed else "time-slot.changed", morning),
    ]
