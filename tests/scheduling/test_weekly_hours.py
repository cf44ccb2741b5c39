import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.database.pool import Transaction
from appoint.kit.actors import SYSTEM
from appoint.scheduling.weekly_hours import service
from appoint.scheduling.weekly_hours.model import Hours, TimeSlotContent, Week, WeeklyScheduleContent, overlapping
from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, time_slot, weekly
from support.rows import NOW, clinic, doctor, someone_waits

TIME_SLOTS = "/api/clinics/1/timeslots"


@pytest.fixture
async def shah(client):
    """A doctor of a clinic in Berlin."""
    await clinic(client)
    return await doctor(client)


def pointers(answer):
    return [error["pointer"] for error in answer.json()["errors"]]


async def events(db, type):
    return await db.fetch("select subject_id, data::text from event where type = $1 order by id", type)


async def line(client, doctor_id, **content):
    return await client.post(f"/api/doctors/{doctor_id}/slots", json=content, headers=ADMIN)


async def lines(client, doctor_id):
    found = (await client.get(f"/api/doctors/{doctor_id}/slots")).json()["items"]
    return [
        (line["weekday"], line["startTime"], line["endTime"], line["validFrom"], line["validUntil"]) for line in found
    ]


# time slots


async def test_a_time_slot_shows_what_was_said(client, shah):
    made = await client.post(
        TIME_SLOTS, json={"name": "Morning", "startTime": "09:00", "endTime": "12:30"}, headers=ADMIN
    )
    shown = made.json()
    assert made.status_code == 201
    assert (shown["name"], shown["startTime"], shown["endTime"], shown["clinicId"], shown["version"]) == (
        "Morning",
        "09:00",
        "12:30",
        1,
        1,
    )
    assert (await client.get(made.headers["Location"])).json() == shown


async def test_a_time_slot_may_last_until_the_end_of_the_day(client, shah):
    made = await client.post(TIME_SLOTS, json={"startTime": "18:00", "endTime": "24:00"}, headers=ADMIN)
    assert made.json()["endTime"] == "24:00"


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"startTime": "12:00", "endTime": "09:00"}, "#/endTime"),
        ({"startTime": "09:00", "endTime": "09:00"}, "#/endTime"),
        ({"startTime": "24:00", "endTime": "24:00"}, "#/startTime"),
        ({"startTime": "9:00", "endTime": "12:00"}, "#/startTime"),
        ({"startTime": "09:00", "endTime": "24:01"}, "#/endTime"),
        ({"startTime": "09:00", "endTime": "12:00", "name": " "}, "#/name"),
        ({"startTime": "09:00"}, "#/endTime"),
    ],
)
async def test_a_time_slot_that_cannot_be_is_refused(client, shah, content, pointer):
    refused = await client.post(TIME_SLOTS, json=content, headers=ADMIN)
    assert (refused.status_code, pointers(refused)) == (400, [pointer])


async def test_time_slots_of_a_clinic_share_no_minute(client, shah):
    await time_slot(client, "09:00", "12:00")
    refused = await client.post(TIME_SLOTS, json={"startTime": "11:59", "endTime": "13:00"}, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "time-slots-intersect")


async def test_time_slots_may_touch(client, shah):
    await time_slot(client, "09:00", "12:00")
    assert (
        await client.post(TIME_SLOTS, json={"startTime": "12:00", "endTime": "13:00"}, headers=ADMIN)
    ).status_code == 201


async def test_another_clinic_has_its_own_time_slots(client, shah):
    await time_slot(client, "09:00", "12:00")
    other = await clinic(client)
    made = await client.post(
        f"/api/clinics/{other}/timeslots", json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN
    )
    assert made.status_code == 201


async def test_of_many_who_add_the_same_time_slot_at_once_one_does(client, shah):
    adding = [client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN) for _ in range(8)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*adding)) == [201] + [409] * 7


async def test_a_repeated_time_slot_is_added_once(client, shah):
    request = {"json": {"startTime": "09:00", "endTime": "12:00"}, "headers": ADMIN | {"Idempotency-Key": "once"}}
    first, second = await client.post(TIME_SLOTS, **request), await client.post(TIME_SLOTS, **request)
    assert (second.status_code, second.headers["Idempotent-Replayed"], second.json()) == (201, "true", first.json())


async def test_time_slots_are_listed_earliest_first_page_by_page(client, shah):
    for start in (10, 8, 9):
        await time_slot(client, f"{start:02}:00", f"{start:02}:30")
    first = (await client.get(TIME_SLOTS, params={"limit": 2})).json()
    rest = (await client.get(TIME_SLOTS, params={"limit": 2, "cursor": first["next"]})).json()
    assert [slot["startTime"] for slot in first["items"] + rest["items"]] == ["08:00", "09:00", "10:00"]
    assert rest["next"] is None


async def test_a_new_time_slot_is_listed_at_once(client, shah):
    assert (await client.get(TIME_SLOTS)).json()["items"] == []
    await time_slot(client, "09:00", "12:00")
    assert len((await client.get(TIME_SLOTS)).json()["items"]) == 1


async def test_time_slots_of_a_clinic_that_is_not_there_are_not_found(client):
    assert (await client.get(TIME_SLOTS)).status_code == 404
    assert (
        await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN)
    ).status_code == 404


async def test_an_inactive_clinic_gets_no_time_slots(client):
    await clinic(client)
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert (await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN)).json()[
        "reason"
    ] == "clinic-inactive"


async def test_only_the_administrator_changes_schedules(client, shah):
    assert (await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"})).status_code == 401
    assert (
        await client.post(f"/api/doctors/{shah}/slots", json={"weekday": "monday", **hours("09:00-12:00")[0]})
    ).status_code == 401
    assert (await client.put(f"/api/doctors/{shah}/schedule", json={"weekly": {}})).status_code == 401


async def test_the_lines_taken_from_a_time_slot_move_with_it(client, db, shah):
    morning = await time_slot(client, "09:00", "12:00")
    await line(client, shah, weekday="monday", timeSlotId=morning)
    await client.put(f"/api/timeslots/{morning}", json={"startTime": "08:00", "endTime": "11:00"}, headers=ADMIN)
    assert await lines(client, shah) == [("monday", "08:00", "11:00", None, None)]
    assert [event.subject_id for event in await events(db, "schedule.changed")] == [shah, shah]


async def test_a_time_slot_cannot_move_onto_other_lines(client, shah):
    morning = await time_slot(client, "09:00", "12:00")
    await line(client, shah, weekday="monday", timeSlotId=morning)
    await line(client, shah, weekday="monday", startTime="13:00", endTime="14:00")
    refused = await client.put(
        f"/api/timeslots/{morning}", json={"startTime": "09:00", "endTime": "13:30"}, headers=ADMIN
    )
    assert (refused.status_code, refused.json()["reason"]) == (409, "schedule-lines-overlap")
    assert (await lines(client, shah))[0] == ("monday", "09:00", "12:00", None, None)


async def test_a_time_slot_cannot_move_onto_another(client, shah):
    await time_slot(client, "09:00", "12:00")
    afternoon = await time_slot(client, "13:00", "15:00")
    refused = await client.put(
        f"/api/timeslots/{afternoon}", json={"startTime": "11:00", "endTime": "15:00"}, headers=ADMIN
    )
    assert refused.json()["reason"] == "time-slots-intersect"


async def test_a_time_slot_in_use_stays(client, shah):
    morning = await time_slot(client, "09:00", "12:00")
    await weekly(client, shah, monday=[{"timeSlotId": morning}], tuesday=[{"timeSlotId": morning}])
    refused = await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"], refused.json()["doctorSlots"]) == (
        409,
        "time-slot-in-use",
        2,
    )


async def test_a_removed_time_slot_leaves_the_list_and_stays_readable(client, shah):
    morning = await time_slot(client, "09:00", "12:00")
    assert [(await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)).status_code for _ in range(2)] == [
        204,
        204,
    ]
    assert (await client.get(TIME_SLOTS)).json()["items"] == []
    assert (await client.get(f"/api/timeslots/{morning}")).json()["active"] is False


async def test_a_removed_time_slots_minutes_can_be_used_again(client, shah):
    morning = await time_slot(client, "09:00", "12:00")
    await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    assert (
        await client.post(TIME_SLOTS, json={"startTime": "09:00", "endTime": "12:00"}, headers=ADMIN)
    ).status_code == 201


async def test_a_change_of_an_older_time_slot_is_refused(client, shah):
    morning = await time_slot(client, "09:00", "12:00")
    content = {"startTime": "09:00", "endTime": "11:00"}
    await client.put(f"/api/timeslots/{morning}", json=content, headers=ADMIN)
    assert (
        await client.put(f"/api/timeslots/{morning}", json=content, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412


async def test_lines_added_while_their_time_slot_moves_have_its_new_minutes(client, db, shah):
    """Whoever comes second waits for the first, and nobody deadlocks."""
    morning = await time_slot(client, "06:00", "07:00")
    others = [await doctor(client) for _ in range(4)]
    moving = [
        client.put(f"/api/timeslots/{morning}", json={"startTime": f"06:{n:02}", "endTime": "07:00"}, headers=ADMIN)
        for n in range(1, 7)
    ]
    adding = [line(client, one, weekday=day, timeSlotId=morning) for one in others for day in ("monday", "friday")]
    answers = await asyncio.gather(
        *(each for pair in zip(moving, adding, strict=False) for each in pair), *adding[len(moving) :]
    )
    assert {answer.status_code for answer in answers} == {200, 201}
    assert await db.fetchval("select count(distinct minutes) from doctor_slot join time_slot using (minutes)") == 1


async def test_a_line_of_a_new_doctor_waits_for_its_time_slot_to_move(client, db, shah):
    """The doctor is added, and the line, before the change of the time slot is committed."""
    morning = await time_slot(client, "09:00", "12:00")
    async with db.connection() as connection:
        changing = connection.transaction()
        await changing.start()
        content = TimeSlotContent(start_time="08:00", end_time="11:00")
        await service.change_time_slot(
            Transaction(connection), SYSTEM, time_slot_id=UUID(morning), content=content, if_match=None
        )
        okafor = await doctor(client)
        adding = asyncio.create_task(line(client, okafor, weekday="monday", timeSlotId=morning))
        await someone_waits(db)
        await changing.commit()
        assert (await adding).json()["startTime"] == "08:00"


# lines of a weekly schedule


async def test_a_line_shows_what_was_said(client, shah):
    made = await line(
        client,
        shah,
        weekday="tuesday",
        startTime="09:00",
        endTime="12:00",
        validFrom="2027-03-01",
        validUntil="2027-03-31",
    )
    shown = made.json()
    assert made.status_code == 201
    assert (shown["weekday"], shown["startTime"], shown["endTime"], shown["timeSlotId"]) == (
        "tuesday",
        "09:00",
        "12:00",
        None,
    )
    assert (shown["validFrom"], shown["validUntil"], shown["doctorId"], shown["clinicId"]) == (
        "2027-03-01",
        "2027-03-31",
        shah,
        1,
    )
    assert (await client.get(made.headers["Location"])).json() == shown


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
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
    ],
)
async def test_a_line_that_cannot_be_is_refused(client, shah, content, pointer):
    refused = await line(client, shah, **content)
    assert (refused.status_code, pointers(refused)) == (400, [pointer])


async def test_a_line_takes_the_minutes_of_its_time_slot(client, shah):
    morning = await time_slot(client, "09:00", "12:00")
    shown = (await line(client, shah, weekday="monday", timeSlotId=morning)).json()
    assert (shown["startTime"], shown["endTime"], shown["timeSlotId"]) == ("09:00", "12:00", morning)


async def test_a_line_knows_only_its_own_clinics_time_slots(client, shah):
    await clinic(client)
    elsewhere = await time_slot(client, "09:00", "12:00", clinic_id=2)
    assert (await line(client, shah, weekday="monday", timeSlotId=elsewhere)).status_code == 404


async def test_a_removed_time_slot_gives_no_lines(client, shah):
    morning = await time_slot(client, "09:00", "12:00")
    await client.delete(f"/api/timeslots/{morning}", headers=ADMIN)
    assert (await line(client, shah, weekday="monday", timeSlotId=morning)).status_code == 404


async def test_lines_of_a_doctor_do_not_overlap(client, shah):
    await line(client, shah, weekday="monday", startTime="09:00", endTime="12:00")
    refused = await line(client, shah, weekday="monday", startTime="11:00", endTime="13:00")
    assert (refused.status_code, refused.json()["reason"]) == (409, "schedule-lines-overlap")


@pytest.mark.parametrize(
    "other", [{"weekday": "tuesday"}, {"startTime": "12:00", "endTime": "13:00"}, {"validFrom": "2027-04-01"}]
)
async def test_lines_of_other_days_times_or_dates_stand_side_by_side(client, shah, other):
    nine = {"weekday": "monday", "startTime": "09:00", "endTime": "12:00"}
    await line(client, shah, **nine, validUntil="2027-03-31")
    assert (await line(client, shah, **(nine | other))).status_code == 201


async def test_of_many_who_add_the_same_line_at_once_one_does(client, shah):
    adding = [line(client, shah, weekday="monday", startTime="09:00", endTime="12:00") for _ in range(8)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*adding)) == [201] + [409] * 7


async def test_a_line_is_replaced(client, db, shah):
    made = (await line(client, shah, weekday="monday", startTime="09:00", endTime="12:00")).json()
    content = {"weekday": "friday", "startTime": "10:00", "endTime": "11:00", "validFrom": "2027-03-01"}
    changed = await client.put(f"/api/doctors/slots/{made['id']}", json=content, headers=ADMIN | {"If-Match": '"v1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert await lines(client, shah) == [("friday", "10:00", "11:00", "2027-03-01", None)]
    assert len(await events(db, "schedule.changed")) == 2


async def test_a_removed_line_leaves_the_schedule_and_stays_readable(client, db, shah):
    made = (await line(client, shah, weekday="monday", startTime="09:00", endTime="12:00")).json()
    assert [(await client.delete(f"/api/doctors/slots/{made['id']}", headers=ADMIN)).status_code for _ in range(2)] == [
        204,
        204,
    ]
    assert await lines(client, shah) == []
    assert (await client.get(f"/api/doctors/slots/{made['id']}")).json()["active"] is False
    assert len(await events(db, "schedule.changed")) == 2


async def test_lines_are_listed_from_monday_on_page_by_page(client, shah):
    await weekly(client, shah, friday=hours("09:00-10:00"), monday=hours("13:00-14:00", "09:00-10:00"))
    first = (await client.get(f"/api/doctors/{shah}/slots", params={"limit": 2})).json()
    rest = (await client.get(f"/api/doctors/{shah}/slots", params={"limit": 2, "cursor": first["next"]})).json()
    assert [(each["weekday"], each["startTime"]) for each in first["items"] + rest["items"]] == [
        ("monday", "09:00"),
        ("monday", "13:00"),
        ("friday", "09:00"),
    ]


@pytest.mark.parametrize("path", ["slots", "schedule"])
@pytest.mark.parametrize("doctor_id", ["00000001-0000-8000-8000-000000000000", "ffffffff-0000-8000-8000-000000000000"])
async def test_the_schedule_of_a_doctor_who_is_not_there_is_not_found(client, shah, path, doctor_id):
    assert (await client.get(f"/api/doctors/{doctor_id}/{path}")).status_code == 404


async def test_a_clinic_that_requires_versions_asks_for_them(client):
    await clinic(client, policy={"requireVersion": True})
    shah = await doctor(client)
    made = (await line(client, shah, weekday="monday", startTime="09:00", endTime="12:00")).json()
    assert (await client.delete(f"/api/doctors/slots/{made['id']}", headers=ADMIN)).status_code == 428
    assert (await weekly(client, shah)).status_code == 428


# the week in one piece


async def test_a_week_is_set_and_read(client, db, shah):
    morning = await time_slot(client, "08:00", "12:00")
    await weekly(client, shah, monday=[*hours("13:00-17:00"), {"timeSlotId": morning}], sunday=hours("20:00-24:00"))
    week = (await client.get(f"/api/doctors/{shah}/schedule")).json()["weekly"]
    assert week["monday"] == [
        {"startTime": "08:00", "endTime": "12:00", "timeSlotId": morning},
        {"startTime": "13:00", "endTime": "17:00", "timeSlotId": None},
    ]
    assert week["sunday"] == [{"startTime": "20:00", "endTime": "24:00", "timeSlotId": None}]
    assert week["tuesday"] == []
    assert len(await events(db, "schedule.changed")) == 1


async def test_saving_a_week_publishes_nothing(client, db, shah):
    await weekly(client, shah, monday=hours("09:00-12:00"))
    assert await db.fetchval("select count(*) from booking_slot") == 0


async def test_a_new_week_ends_the_one_before(client, shah):
    await weekly(client, shah, valid_from="2027-01-01", monday=hours("09:00-12:00"))
    await weekly(client, shah, valid_from="2027-03-01", monday=hours("10:00-13:00"))
    assert await lines(client, shah) == [
        ("monday", "09:00", "12:00", "2027-01-01", "2027-02-28"),
        ("monday", "10:00", "13:00", "2027-03-01", None),
    ]


async def test_a_new_week_replaces_what_would_have_begun_later(client, shah):
    await weekly(client, shah, valid_from="2027-03-01", monday=hours("09:00-12:00"))
    await weekly(client, shah, valid_from="2027-01-01", tuesday=hours("10:00-13:00"))
    assert await lines(client, shah) == [("tuesday", "10:00", "13:00", "2027-01-01", None)]


async def test_a_line_without_dates_ends_when_a_new_week_begins(client, shah):
    await line(client, shah, weekday="monday", startTime="09:00", endTime="12:00")
    await weekly(client, shah, valid_from=COMING_MONDAY, monday=hours("10:00-13:00"))
    before = str(COMING_MONDAY - timedelta(days=1))
    assert await lines(client, shah) == [
        ("monday", "09:00", "12:00", None, before),
        ("monday", "10:00", "13:00", str(COMING_MONDAY), None),
    ]


async def test_a_line_that_has_ended_is_left_alone(client, shah):
    await line(client, shah, weekday="monday", startTime="09:00", endTime="12:00", validUntil="2027-02-28")
    await weekly(client, shah, valid_from="2027-03-01", monday=hours("10:00-13:00"))
    old = (await client.get(f"/api/doctors/{shah}/slots")).json()["items"][0]
    assert (old["validUntil"], old["version"]) == ("2027-02-28", 1)


async def test_the_week_of_another_date_can_be_read(client, shah):
    await weekly(client, shah, valid_from="2027-01-01", monday=hours("09:00-12:00"))
    await weekly(client, shah, valid_from="2027-03-01", monday=hours("10:00-13:00"))
    week = (await client.get(f"/api/doctors/{shah}/schedule", params={"on": "2027-02-28"})).json()["weekly"]
    assert week["monday"][0]["startTime"] == "09:00"


async def test_hours_of_a_day_may_not_overlap(client, shah):
    refused = await weekly(
        client,
        shah,
        monday=hours("09:00-12:00", "13:00-15:00", "11:00-14:00"),
        friday=hours("09:00-10:00", "09:00-10:00"),
    )
    assert (refused.status_code, pointers(refused)) == (400, ["#/weekly/monday/2", "#/weekly/friday/1"])


async def test_hours_may_not_overlap_with_those_of_a_time_slot(client, shah):
    morning = await time_slot(client, "08:00", "12:00")
    refused = await weekly(client, shah, monday=[*hours("11:00-14:00"), {"timeSlotId": morning}])
    assert (refused.status_code, pointers(refused)) == (400, ["#/weekly/monday/1"])


def test_hours_overlap_when_they_share_a_minute():
    assert overlapping([(0, 10), (10, 20), (5, 15), (30, 40), (19, 31)]) == [2, 4]


async def test_all_that_is_wrong_with_a_week_is_said_at_once(client, shah):
    body = {"weekly": {"monday": [{"startTime": "12:00", "endTime": "09:00"}, {}], "someday": []}, "validFrom": "soon"}
    refused = await client.put(f"/api/doctors/{shah}/schedule", json=body, headers=ADMIN)
    assert sorted(pointers(refused)) == [
        "#/validFrom",
        "#/weekly/monday/0/endTime",
        "#/weekly/monday/1/startTime",
        "#/weekly/someday",
    ]


async def test_a_week_that_somebody_changed_meanwhile_is_not_replaced(client, shah):
    tag = (await client.get(f"/api/doctors/{shah}/schedule")).headers["ETag"]
    put = {"json": {"weekly": {"monday": hours("09:00-12:00")}}, "headers": ADMIN | {"If-Match": tag}}
    answers = [await client.put(f"/api/doctors/{shah}/schedule", **put) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 412]


async def test_of_two_weeks_saved_at_once_one_remains_whole(client, db, shah):
    weeks = [
        {"monday": hours("09:00-12:00"), "tuesday": hours("09:00-12:00")},
        {"monday": hours("10:00-13:00"), "tuesday": hours("10:00-13:00")},
    ]
    answers = await asyncio.gather(*(weekly(client, shah, **weeks[n % 2]) for n in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert await db.fetchval("select count(distinct minutes) from doctor_slot where active") == 1


async def test_a_week_begins_on_the_clinics_own_date(client, db):
    """Kiritimati is 14 hours ahead of UTC: at noon UTC it is tomorrow there."""
    await clinic(client, timeZone="Pacific/Kiritimati")
    shah = await doctor(client)
    content = WeeklyScheduleContent(weekly=Week(monday=[Hours(start_time="09:00", end_time="12:00")]))
    noon = NOW.replace(hour=12)
    await db.atomic(service.set_week, SYSTEM, doctor_id=UUID(shah), content=content, if_match=None, now=noon)
    assert (await lines(client, shah))[0][3] == str((noon + timedelta(hours=14)).date())
