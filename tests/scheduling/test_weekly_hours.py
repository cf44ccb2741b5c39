"""A doctor's weekly hours, saved and read as a whole week."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.kit.actors import SYSTEM
from appoint.scheduling.weekly_hours import service
from appoint.scheduling.weekly_hours.model import Hours, Week, WeeklyScheduleContent, overlapping
from support.app import ADMIN
from support.hours import COMING_MONDAY, create_time_slot, hours, put_weekly_hours
from support.scheduling import events_of_type
from support.weekly_hours import add_doctor_slot, list_doctor_slots, pointers
from support.world import create_clinic, create_doctor, hours_ahead

NOW = hours_ahead(0)
TIME_SLOTS = "/api/clinics/1/timeslots"


@pytest.fixture
async def shah(client):
    """Create a clinic in Berlin with a doctor, and return the doctor's id."""
    await create_clinic(client)
    return await create_doctor(client)


async def test_a_week_can_be_saved_and_read_back(client, db, shah):
    morning = await create_time_slot(client, "08:00", "12:00")
    await put_weekly_hours(
        client, shah, monday=[*hours("13:00-17:00"), {"timeSlotId": morning}], sunday=hours("20:00-24:00")
    )
    week = (await client.get(f"/api/doctors/{shah}/schedule")).json()["weekly"]
    assert week["monday"] == [
        {"startTime": "08:00", "endTime": "12:00", "timeSlotId": morning},
        {"startTime": "13:00", "endTime": "17:00", "timeSlotId": None},
    ]
    assert week["sunday"] == [{"startTime": "20:00", "endTime": "24:00", "timeSlotId": None}]
    assert week["tuesday"] == []
    assert len(await events_of_type(db, "schedule.changed")) == 1


async def test_saving_a_week_publishes_nothing(client, db, shah):
    await put_weekly_hours(client, shah, monday=hours("09:00-12:00"))
    assert await db.fetchval("select count(*) from booking_slot") == 0


async def test_a_new_week_ends_the_previous_one(client, shah):
    await put_weekly_hours(client, shah, valid_from="2027-01-01", monday=hours("09:00-12:00"))
    await put_weekly_hours(client, shah, valid_from="2027-03-01", monday=hours("10:00-13:00"))
    assert await list_doctor_slots(client, shah) == [
        ("monday", "09:00", "12:00", "2027-01-01", "2027-02-28"),
        ("monday", "10:00", "13:00", "2027-03-01", None),
    ]


async def test_a_new_week_replaces_weeks_that_would_start_later(client, shah):
    await put_weekly_hours(client, shah, valid_from="2027-03-01", monday=hours("09:00-12:00"))
    await put_weekly_hours(client, shah, valid_from="2027-01-01", tuesday=hours("10:00-13:00"))
    assert await list_doctor_slots(client, shah) == [("tuesday", "10:00", "13:00", "2027-01-01", None)]


async def test_an_open_ended_doctor_slot_ends_when_a_new_week_starts(client, shah):
    await add_doctor_slot(client, shah, weekday="monday", startTime="09:00", endTime="12:00")
    await put_weekly_hours(client, shah, valid_from=COMING_MONDAY, monday=hours("10:00-13:00"))
    last_day = str(COMING_MONDAY - timedelta(days=1))
    assert await list_doctor_slots(client, shah) == [
        ("monday", "09:00", "12:00", None, last_day),
        ("monday", "10:00", "13:00", str(COMING_MONDAY), None),
    ]


async def test_a_new_week_does_not_change_doctor_slots_that_have_ended(client, shah):
    await add_doctor_slot(client, shah, weekday="monday", startTime="09:00", endTime="12:00", validUntil="2027-02-28")
    await put_weekly_hours(client, shah, valid_from="2027-03-01", monday=hours("10:00-13:00"))
    ended_slot = (await client.get(f"/api/doctors/{shah}/slots")).json()["items"][0]
    assert (ended_slot["validUntil"], ended_slot["version"]) == ("2027-02-28", 1)


async def test_the_week_for_another_date_can_be_read(client, shah):
    await put_weekly_hours(client, shah, valid_from="2027-01-01", monday=hours("09:00-12:00"))
    await put_weekly_hours(client, shah, valid_from="2027-03-01", monday=hours("10:00-13:00"))
    week = (await client.get(f"/api/doctors/{shah}/schedule", params={"on": "2027-02-28"})).json()["weekly"]
    assert week["monday"][0]["startTime"] == "09:00"


async def test_overlapping_hours_on_a_day_are_refused(client, shah):
    refusal = await put_weekly_hours(
        client,
        shah,
        monday=hours("09:00-12:00", "13:00-15:00", "11:00-14:00"),
        friday=hours("09:00-10:00", "09:00-10:00"),
    )
    assert (refusal.status_code, pointers(refusal)) == (400, ["#/weekly/monday/2", "#/weekly/friday/1"])


async def test_hours_that_overlap_a_time_slot_are_refused(client, shah):
    morning = await create_time_slot(client, "08:00", "12:00")
    refusal = await put_weekly_hours(client, shah, monday=[*hours("11:00-14:00"), {"timeSlotId": morning}])
    assert (refusal.status_code, pointers(refusal)) == (400, ["#/weekly/monday/1"])


def test_hours_overlap_when_they_share_a_minute():
    assert overlapping([(0, 10), (10, 20), (5, 15), (30, 40), (19, 31)]) == [2, 4]


async def test_all_faults_in_a_week_are_reported_at_once(client, shah):
    body = {"weekly": {"monday": [{"startTime": "12:00", "endTime": "09:00"}, {}], "someday": []}, "validFrom": "soon"}
    refusal = await client.put(f"/api/doctors/{shah}/schedule", json=body, headers=ADMIN)
    assert sorted(pointers(refusal)) == [
        "#/validFrom",
        "#/weekly/monday/0/endTime",
        "#/weekly/monday/1/startTime",
        "#/weekly/someday",
    ]


async def test_a_week_that_has_changed_since_it_was_read_is_not_replaced(client, shah):
    tag = (await client.get(f"/api/doctors/{shah}/schedule")).headers["ETag"]
    request = {"json": {"weekly": {"monday": hours("09:00-12:00")}}, "headers": ADMIN | {"If-Match": tag}}
    responses = [await client.put(f"/api/doctors/{shah}/schedule", **request) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 412]


async def test_one_of_several_concurrently_saved_weeks_remains_intact(client, db, shah):
    weeks = [
        {"monday": hours("09:00-12:00"), "tuesday": hours("09:00-12:00")},
        {"monday": hours("10:00-13:00"), "tuesday": hours("10:00-13:00")},
    ]
    responses = await asyncio.gather(*(put_weekly_hours(client, shah, **weeks[n % 2]) for n in range(8)))
    assert {response.status_code for response in responses} == {200}
    assert await db.fetchval("select count(distinct minutes) from doctor_slot where active") == 1


async def test_a_week_starts_on_the_clinics_local_date(client, db):
    """Kiritimati is 14 hours ahead of UTC: at noon UTC it is already tomorrow there."""
    await create_clinic(client, timeZone="Pacific/Kiritimati")
    shah = await create_doctor(client)
    content = WeeklyScheduleContent(weekly=Week(monday=[Hours(start_time="09:00", end_time="12:00")]))
    noon = NOW.replace(hour=12)
    await db.atomic(service.set_week, SYSTEM, doctor_id=UUID(shah), content=content, if_match=None, now=noon)
    assert (await list_doctor_slots(client, shah))[0][3] == str((noon + timedelta(hours=14)).date())


async def test_an_unknown_doctors_schedule_is_not_found(client, shah):
    for doctor_id in ["00000001-0000-8000-8000-000000000000", "ffffffff-0000-8000-8000-000000000000"]:
        for path in ["slots", "schedule"]:
            assert (await client.get(f"/api/doctors/{doctor_id}/{path}")).status_code == 404, (path, doctor_id)


async def test_anonymous_callers_cannot_change_schedules(client, shah):
    assert (await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"})).status_code == 401
    assert (
        await client.post(f"/api/doctors/{shah}/slots", json={"weekday": "monday", **hours("09:00-12:00")[0]})
    ).status_code == 401
    assert (await client.put(f"/api/doctors/{shah}/schedule", json={"weekly": {}})).status_code == 401
