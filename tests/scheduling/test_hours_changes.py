import asyncio
from datetime import timedelta

import msgspec
import pytest

from appoint.booking import service as appointments
from appoint.booking import transitions
from appoint.database.pool import Transaction
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from appoint.scheduling.hours_changes import service
from appoint.scheduling.hours_changes.model import ScheduleChangeContent
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import BookingSlotContent
from support.app import ADMIN
from support.hours import COMING_MONDAY, generate, hours, local, published, weekly, works
from support.rows import clinic, customer, doctor, someone_waits
from support.world import MONDAY, RECEPTION, World

TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays from nine to twelve; two weeks are published. It is seven o'clock on the first Monday."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        await db.execute("delete from booking_slot")
        await works(world, world.dr_shah, monday="09:00-12:00")
        await generate(world, MONDAY, MONDAY + timedelta(days=7))
        yield world


async def change(world, *, doctor="dr_shah", **content):
    return await world.db.atomic(service.carry_out, RECEPTION, **arguments(world, doctor, content))


async def preview(world, *, doctor="dr_shah", **content):
    return await world.db.atomic(service.preview, **arguments(world, doctor, content))


def arguments(world, doctor, content):
    return {
        "clinic_id": world.clinic,
        "doctor_id": doctor and getattr(world, doctor),
        "content": ScheduleChangeContent(**content),
        "now": world.now,
    }


async def book(world, start, minutes=30, *, day=MONDAY, customer="ana"):
    return await world.book(world.dr_shah, local(day, start), getattr(world, customer), minutes=minutes)


async def rows(world):
    """Everything that a schedule change could touch."""
    slots = await world.db.fetch("select * from booking_slot order by id")
    return [tuple(row) for row in slots], [
        tuple(row) for row in await world.db.fetch("select * from appointment order by id")
    ]


def told(changed):
    """Such as "1 09:00-12:00", the day of March in Berlin's winter time."""
    return [
        f"{each.date.day} {each.start_time.hour + 1:02}:{each.start_time:%M}-{each.end_time.hour + 1:02}:{each.end_time:%M}"
        for each in changed
    ]


async def stranded(world):
    return [
        row.id
        for row in await world.db.fetch("select id from appointment where needs_rebooking order by lower(during)")
    ]


async def test_a_schedule_change_makes_what_is_published_agree(world):
    await works(world, world.dr_shah, monday="10:00-12:00", tuesday="09:00-11:00")
    done = await change(world)
    assert (told(done.added), told(done.removed), told(done.kept), done.stranded) == (
        ["1 10:00-12:00", "2 09:00-11:00", "8 10:00-12:00"],
        ["1 09:00-12:00", "8 09:00-12:00"],
        [],
        [],
    )
    assert await published(world.db, world.dr_shah) == ["Mon 1 10:00-12:00", "Tue 2 09:00-11:00", "Mon 8 10:00-12:00"]


async def test_what_the_schedule_still_gives_is_kept_as_it_is(world):
    before = await rows(world)
    await works(world, world.dr_shah, monday="09:00-12:00 13:00-15:00")
    done = await change(world)
    assert (told(done.kept), told(done.removed)) == (["1 09:00-12:00", "8 09:00-12:00"], [])
    after = await rows(world)
    assert set(before[0]) <= set(after[0])


async def test_a_schedule_that_has_not_changed_changes_nothing(world):
    before = await rows(world)
    done = await change(world)
    assert (told(done.added), told(done.removed)) == ([], [])
    assert await rows(world) == before


async def test_dates_after_the_last_one_published_are_left_to_generation(world):
    await works(world, world.dr_shah, monday="10:00-12:00")
    await change(world, to=MONDAY + timedelta(days=100))
    assert await published(world.db, world.dr_shah) == ["Mon 1 10:00-12:00", "Mon 8 10:00-12:00"]


async def test_only_the_dates_that_are_asked_for_change(world):
    await works(world, world.dr_shah, monday="10:00-12:00")
    await change(world, from_=TUESDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 8 10:00-12:00"]
    await change(world, to=MONDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 10:00-12:00", "Mon 8 10:00-12:00"]


async def test_slots_that_have_begun_stay_as_they_are(world):
    world.now = local(MONDAY, "10:00")
    await works(world, world.dr_shah, monday="11:00-14:00")
    done = await change(world, to=MONDAY)
    assert (told(done.added), told(done.removed)) == (["1 12:00-14:00"], [])
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 1 12:00-14:00", "Mon 8 09:00-12:00"]


async def test_where_nothing_is_published_nothing_happens(world):
    await world.db.execute("delete from booking_slot")
    done = await change(world)
    assert (done.added, done.removed, done.kept) == ([], [], [])


async def test_absences_are_respected(world):
    content = AbsenceContent(start_time=local(MONDAY, "10:00"), end_time=local(MONDAY, "11:00"))
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=content, force=False, now=world.now)
    await works(world, world.dr_shah, monday="09:30-12:00")
    await change(world, to=MONDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:30-10:00", "Mon 1 11:00-12:00", "Mon 8 09:00-12:00"]


async def test_slots_by_hand_and_time_removed_by_hand_stay_as_they_are(world):
    by_hand = BookingSlotContent(
        doctor_id=world.dr_shah, start_time=local(MONDAY, "14:00"), end_time=local(MONDAY, "15:00")
    )
    slot = await world.db.atomic(slots.publish, RECEPTION, content=by_hand)
    morning = await world.db.fetchval("select id from booking_slot where date = $1 order by during limit 1", MONDAY)
    await world.db.atomic(
        slots.move,
        RECEPTION,
        booking_slot_id=morning,
        start=local(MONDAY, "09:00"),
        end=local(MONDAY, "11:00"),
        if_match=None,
        now=world.now,
    )
    await works(world, world.dr_shah, monday="10:00-16:00")
    await change(world, to=MONDAY)
    assert await published(world.db, world.dr_shah) == [
        "Mon 1 10:00-11:00",
        "Mon 1 12:00-14:00",
        "Mon 1 14:00-15:00",
        "Mon 1 15:00-16:00",
        "Mon 8 09:00-12:00",
    ]
    assert (await slots.get(world.db, slot.id)).version == 1


async def test_a_clinics_change_is_about_all_its_doctors(world):
    okafor = await world.add_doctor("Dr Okafor")
    await works(world, okafor, monday="09:00-10:00")
    await generate(world, MONDAY)
    for one in (world.dr_shah, okafor):
        await works(world, one, monday="10:00-11:00")
    done = await change(world, doctor=None, to=MONDAY)
    assert {each.doctor_id for each in done.added} == {world.dr_shah, okafor}
    assert [await published(world.db, one) for one in (world.dr_shah, okafor)] == [
        ["Mon 1 10:00-11:00", "Mon 8 09:00-12:00"],
        ["Mon 1 10:00-11:00"],
    ]


async def test_a_doctors_change_leaves_colleagues_alone(world):
    okafor = await world.add_doctor("Dr Okafor")
    await world.publish(okafor, local(MONDAY, "09:00"), local(MONDAY, "10:00"))
    await change(world)
    assert await published(world.db, okafor) == ["Mon 1 09:00-10:00"]


async def test_a_change_on_the_day_the_clock_changes_keeps_wall_times(world):
    sunday = MONDAY + timedelta(days=27)
    await works(world, world.dr_shah, sunday="02:30-05:00")
    await generate(world, sunday)
    await works(world, world.dr_shah, sunday="03:30-05:00")
    done = await change(world, from_=sunday)
    assert (len(done.kept), done.added, done.removed) == (1, [], [])  # 02:30 was 03:30 that day


# appointments


async def test_appointments_within_the_new_hours_are_at_home_in_them(world):
    """Although the slots under them are replaced."""
    appointment = await book(world, "10:30", 60)
    await works(world, world.dr_shah, monday="10:00-11:00 11:00-18:00")
    done = await change(world)
    assert done.stranded == []
    assert (await appointments.get(world.db, appointment.id)).version == 1


async def test_appointments_outside_the_new_hours_are_refused(world):
    before = await book(world, "09:00"), await book(world, "11:30", customer="ben"), await book(world, "10:30")
    await works(world, world.dr_shah, monday="10:00-11:45")
    state = await rows(world)
    with pytest.raises(errors.Conflict) as refused:
        await change(world)
    assert (refused.value.type, refused.value.facts["count"]) == ("appointments-stranded", 2)
    assert [each.id for each in refused.value.facts["appointments"]] == [before[0].id, before[1].id]
    assert await rows(world) == state


async def test_appointments_outside_the_new_hours_can_be_kept(world):
    first, second = await book(world, "09:00"), await book(world, "11:30", customer="ben")
    await works(world, world.dr_shah, monday="10:00-11:45")
    done = await change(world, stranded="keep")
    assert [(each.id, each.needs_rebooking) for each in done.stranded] == [(first.id, True), (second.id, True)]
    assert await published(world.db, world.dr_shah) == [
        "Mon 1 09:00-09:30",
        "Mon 1 10:00-11:30",
        "Mon 1 11:30-12:00",
        "Mon 8 10:00-11:45",
    ]
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:00-09:30", "Mon 1 11:30-12:00"]
    assert (await book(world, "09:30", customer="ben")).type == "outside-hours"


async def test_what_is_stranded_already_is_not_stranded_again(world):
    appointment = await book(world, "09:00")
    await works(world, world.dr_shah, monday="10:00-12:00")
    await change(world, stranded="keep")
    await works(world, world.dr_shah, monday="11:00-12:00")
    assert (await change(world)).stranded == []
    assert await stranded(world) == [appointment.id]
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:00-09:30"]


async def test_what_was_stranded_is_at_home_again_when_its_hours_return(world):
    appointment = await book(world, "09:00")
    await works(world, world.dr_shah, monday="10:00-12:00")
    await change(world, stranded="keep")
    await works(world, world.dr_shah, monday="08:00-12:00")
    await change(world)
    assert await published(world.db, world.dr_shah) == ["Mon 1 08:00-12:00", "Mon 8 08:00-12:00"]
    assert (await appointments.get(world.db, appointment.id)).needs_rebooking is False


async def test_an_appointment_partly_on_a_slot_by_hand_is_at_home_there(world):
    by_hand = BookingSlotContent(
        doctor_id=world.dr_shah, start_time=local(MONDAY, "12:00"), end_time=local(MONDAY, "13:00")
    )
    await world.db.atomic(slots.publish, RECEPTION, content=by_hand)
    await book(world, "11:30", 60)
    await works(world, world.dr_shah, monday="11:00-12:00")
    assert (await change(world)).stranded == []


async def test_an_appointment_that_reaches_into_a_slot_by_hand_keeps_only_what_lies_outside_of_it(world):
    by_hand = BookingSlotContent(
        doctor_id=world.dr_shah, start_time=local(MONDAY, "12:00"), end_time=local(MONDAY, "13:00")
    )
    await world.db.atomic(slots.publish, RECEPTION, content=by_hand)
    appointment = await book(world, "11:30", 60)
    await works(world, world.dr_shah, monday="09:00-11:00")
    await change(world, stranded="keep")
    assert await published(world.db, world.dr_shah) == [
        "Mon 1 09:00-11:00",
        "Mon 1 11:30-12:00",
        "Mon 1 12:00-13:00",
        "Mon 8 09:00-11:00",
    ]
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-11:00", "Mon 1 12:00-13:00", "Mon 8 09:00-11:00"]


async def test_an_appointment_that_is_over_keeps_its_place_and_needs_no_rebooking(world):
    await book(world, "09:00")
    await world.db.execute("update appointment set status = 'fulfilled'")
    await works(world, world.dr_shah, monday="10:00-12:00")
    assert (await change(world)).stranded == []
    assert await published(world.db, world.dr_shah, remnants=True) == ["Mon 1 09:00-09:30"]
    assert await stranded(world) == []


async def test_when_a_stranded_appointment_is_cancelled_its_time_goes_too(world):
    appointment = await book(world, "09:00")
    await works(world, world.dr_shah, monday="10:00-12:00")
    await change(world, stranded="keep")
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )
    assert await published(world.db, world.dr_shah) == ["Mon 1 10:00-12:00", "Mon 8 10:00-12:00"]


# the dry run


async def test_a_dry_run_changes_nothing(world):
    await book(world, "09:00")
    await works(world, world.dr_shah, monday="10:00-12:00")
    before = await rows(world), await world.count("event")
    assert len((await preview(world)).stranded) == 1
    assert (await rows(world), await world.count("event")) == before


@pytest.mark.parametrize(
    "week",
    [
        {"monday": "10:00-11:45", "tuesday": "08:00-09:00"},
        {},
        {"monday": "09:00-10:00 10:00-12:00"},
        {"friday": "00:00-24:00"},
    ],
)
async def test_a_dry_run_tells_exactly_what_is_then_done(world, week):
    (
        await book(world, "09:15"),
        await book(world, "10:30", 60, customer="ben"),
        await book(world, "11:45", 15, day=MONDAY + timedelta(days=7)),
    )
    await works(world, world.dr_shah, **week)
    dry, done = await preview(world, stranded="keep"), await change(world, stranded="keep")
    assert (dry.added, dry.removed, dry.kept) == (done.added, done.removed, done.kept)
    assert [each.id for each in dry.stranded] == [each.id for each in done.stranded] == await stranded(world)


async def test_a_change_is_one_event_with_its_counts(world):
    appointment = await book(world, "09:00")
    await works(world, world.dr_shah, monday="10:00-12:00")
    await change(world, stranded="keep")
    (event,) = await world.db.fetch("select subject_id, data::text from event where type = 'schedule.applied'")
    facts = msgspec.json.decode(event.data)
    assert event.subject_id == str(world.dr_shah)
    assert {name: facts[name] for name in ("added", "removed", "kept", "stranded")} == {
        "added": 2,
        "removed": 2,
        "kept": 0,
        "stranded": 1,
    }
    assert await world.db.fetchval("select subject_id from event where type = 'appointment.stranded'") == str(
        appointment.id
    )


# races


@pytest.mark.parametrize(("start", "outcome"), [("09:00", "outside-hours"), ("10:00", "booked")])
async def test_a_booking_that_comes_second_waits_for_the_change_and_finds_the_new_hours(world, start, outcome):
    await works(world, world.dr_shah, monday="10:00-12:00")
    async with world.db.connection() as connection:
        changing = connection.transaction()
        await changing.start()
        await service.carry_out(
            Transaction(connection),
            RECEPTION,
            clinic_id=world.clinic,
            doctor_id=world.dr_shah,
            content=ScheduleChangeContent(),
            now=world.now,
        )
        booking = asyncio.create_task(book(world, start))
        await someone_waits(world.db)
        await changing.commit()
        assert getattr(await booking, "type", "booked") == outcome


async def test_bookings_changes_absences_and_generation_at_once_end_whole(world):
    async def come_and_go(n):
        content = AbsenceContent(
            start_time=local(MONDAY, f"{9 + n}:30"),
            end_time=local(MONDAY, f"{10 + n}:00"),
            doctor_id=(world.dr_shah, None)[n % 2],
        )
        absence = await world.db.atomic(
            absences.add, RECEPTION, clinic_id=world.clinic, content=content, force=True, now=world.now
        )
        await world.db.atomic(absences.remove, RECEPTION, absence_id=absence.id, if_match=None, now=world.now)

    await works(world, world.dr_shah, monday="09:30-12:30")
    await asyncio.gather(
        *(book(world, f"{9 + n // 2:02}:{30 * (n % 2):02}", customer=("ana", "ben")[n % 2]) for n in range(6)),
        *(change(world, doctor=(None, "dr_shah")[n % 2], stranded="keep") for n in range(4)),
        *(come_and_go(n) for n in range(3)),
        *(generate(world, MONDAY) for _ in range(3)),
    )
    await change(world, stranded="keep")
    assert (await published(world.db, world.dr_shah, remnants=False))[0] == "Mon 1 09:30-12:30"
    outside = await world.db.fetch(
        """
        select a.id from appointment a
         where a.active_during is not null
           and not (a.active_during <@ (select range_agg(s.active_during) from booking_slot s where s.doctor_id = a.doctor_id and not remnant))
        """
    )
    assert [row.id for row in outside] == await stranded(world)


# over the API


@pytest.fixture
async def shah(client):
    """Monday is published from nine to twelve; the schedule says ten by now."""
    await clinic(client)
    shah = await doctor(client)
    await weekly(client, shah, COMING_MONDAY, monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)}
    await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
    await weekly(client, shah, COMING_MONDAY, monday=hours("10:00-12:00"))
    return shah


def slot(doctor_id, start):
    ends = local(COMING_MONDAY, "12:00")
    return {
        "doctorId": doctor_id,
        "startTime": f"{local(COMING_MONDAY, start):%FT%TZ}",
        "endTime": f"{ends:%FT%TZ}",
        "date": str(COMING_MONDAY),
    }


@pytest.mark.parametrize("path", ["/api/doctors/{}/scheduleChanges", "/api/clinics/1/scheduleChanges"])
async def test_a_change_over_the_api_is_tried_and_done(client, shah, path):
    expected = {"added": [slot(shah, "10:00")], "removed": [slot(shah, "09:00")], "kept": [], "stranded": []}
    for params in ({"dryRun": "true"}, {"dryRun": "true"}, {}):
        answer = await client.post(path.format(shah), params=params, json={}, headers=ADMIN)
        assert (answer.status_code, answer.json()) == (200, expected)
    assert (await client.post(path.format(shah), headers=ADMIN)).json() == {
        "added": [],
        "removed": [],
        "kept": [slot(shah, "10:00")],
        "stranded": [],
    }


async def test_stranded_appointments_over_the_api_are_refused_or_kept(client, shah):
    body = {
        "customerId": await customer(client),
        **{name: slot(shah, "09:00")[name] for name in ("doctorId", "startTime", "endTime")},
    }
    appointment = (await client.post("/api/appointments", json=body)).json()
    del appointment["manageToken"]  # which only who has booked is shown
    path = f"/api/doctors/{shah}/scheduleChanges"
    refused = await client.post(path, json={"stranded": "refuse"}, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"], refused.json()["appointments"]) == (
        409,
        "appointments-stranded",
        [appointment],
    )
    kept = await client.post(path, json={"stranded": "keep"}, headers=ADMIN)
    assert [(each["id"], each["needsRebooking"]) for each in kept.json()["stranded"]] == [(appointment["id"], True)]


async def test_a_repeated_change_is_answered_as_the_first(client, shah):
    body = {
        "customerId": await customer(client),
        **{name: slot(shah, "09:00")[name] for name in ("doctorId", "startTime", "endTime")},
    }
    await client.post("/api/appointments", json=body)
    again = {"json": {"stranded": "keep"}, "headers": ADMIN | {"Idempotency-Key": "new"}}
    answers = [await client.post(f"/api/doctors/{shah}/scheduleChanges", **again) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"from": "2027-03-02", "to": "2027-03-01"}, 400),
        ({"from": "2027-03-01", "to": "2028-03-01"}, 400),
        ({"from": "2027-03-01", "to": "2028-02-29"}, 200),
        ({"to": "2020-01-01"}, 200),
        ({"from": "2999-12-31"}, 200),
        ({"stranded": "drop"}, 400),
        ({"until": "2027-03-01"}, 400),
        ([], 400),
    ],
)
async def test_a_change_that_cannot_be_is_refused(client, shah, body, status):
    for path in (f"/api/doctors/{shah}/scheduleChanges", "/api/clinics/1/scheduleChanges"):
        assert (await client.post(path, json=body, headers=ADMIN)).status_code == status


@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize(
    "path",
    [
        "clinics/2",
        "doctors/00000001-0000-8000-8000-000000000000",
        "doctors/00000002-0000-8000-8000-000000000000",
        "doctors/ffffffff-0000-8000-8000-000000000000",
    ],
)
async def test_the_hours_of_who_is_not_there_are_not_found(client, shah, path, dry_run):
    assert (
        await client.post(f"/api/{path}/scheduleChanges", params={"dryRun": dry_run}, json={}, headers=ADMIN)
    ).status_code == 404


# a week that is saved and applied together

TEN = {"weekly": {"monday": hours("10:00-12:00")}, "from": str(COMING_MONDAY)}


@pytest.fixture
async def of_nine(client):
    """The doctor whose Monday is published from nine to twelve, as the schedule says."""
    await clinic(client)
    shah = await doctor(client)
    await weekly(client, shah, monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)}
    await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
    return f"/api/doctors/{shah}"


async def book_at_nine(client, path):
    shah = path.rpartition("/")[2]
    body = {
        "customerId": await customer(client),
        **{name: slot(shah, "09:00")[name] for name in ("doctorId", "startTime")},
    }
    return (
        await client.post(
            "/api/appointments",
            json={**body, "endTime": slot(shah, "09:00")["startTime"].replace(":00:00Z", ":30:00Z")},
        )
    ).json()["id"]


async def starts(client, path, on=COMING_MONDAY):
    """When the doctor's Mondays begin, as the week of the date says and as is published."""
    week = (await client.get(f"{path}/schedule", params={"on": str(on)}, headers=ADMIN)).json()["weekly"]
    slots = (await client.get(f"{path}/bookingSlots", headers=ADMIN)).json()["items"]
    return [each["startTime"] for each in week["monday"]], [each["startTime"] for each in slots]


async def everything(db):
    """All rows of all tables, but for who has seen what."""
    tables = await db.fetch(
        "select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'audit%'"
    )
    return {
        table.name: await db.fetchval(f'select array_agg(t::text order by t::text) from "{table.name}" t')
        for table in tables
    }


async def test_a_dry_run_of_a_week_tells_what_is_then_done_and_writes_nothing(client, db, of_nine):
    await book_at_nine(client, of_nine)
    before = await everything(db)
    dry = await client.post(f"{of_nine}/scheduleChanges", params={"dryRun": "true"}, json=TEN, headers=ADMIN)
    assert await everything(db) == before
    done = await client.post(f"{of_nine}/scheduleChanges", json={**TEN, "stranded": "keep"}, headers=ADMIN)
    told = [{**answer.json(), "stranded": [each["id"] for each in answer.json()["stranded"]]} for answer in (dry, done)]
    assert told[0] == told[1]
    assert [len(each) for each in told[0].values()] == [1, 1, 0, 1]


async def test_a_week_is_saved_and_applied_together(client, of_nine):
    ten = f"{local(COMING_MONDAY, '10:00'):%FT%TZ}"
    assert (await client.post(f"{of_nine}/scheduleChanges", json=TEN, headers=ADMIN)).status_code == 200
    assert await starts(client, of_nine) == (["10:00"], [ten])
    assert (await starts(client, of_nine, on=COMING_MONDAY - timedelta(days=7)))[0] == ["09:00"]


async def test_a_week_for_dates_that_are_not_published_yet_is_saved(client, of_nine):
    later = COMING_MONDAY + timedelta(days=7)
    done = await client.post(f"{of_nine}/scheduleChanges", json={**TEN, "from": str(later)}, headers=ADMIN)
    assert done.json() == {"added": [], "removed": [], "kept": [], "stranded": []}
    assert (await starts(client, of_nine, on=later))[0] == ["10:00"]


async def test_a_week_that_would_strand_appointments_is_not_saved_either(client, db, of_nine):
    await book_at_nine(client, of_nine)
    before = await everything(db)
    refused = await client.post(f"{of_nine}/scheduleChanges", json=TEN, headers=ADMIN)
    assert (refused.status_code, refused.json()["reason"]) == (409, "appointments-stranded")
    assert await everything(db) == before


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_a_week_that_somebody_changed_meanwhile_is_neither_saved_nor_shown(client, db, of_nine, dry_run):
    read = (await client.get(f"{of_nine}/schedule", params={"on": str(COMING_MONDAY)}, headers=ADMIN)).headers["ETag"]
    sent = {"params": {"dryRun": dry_run}, "json": TEN, "headers": ADMIN | {"If-Match": read}}
    assert (await client.post(f"{of_nine}/scheduleChanges", **sent)).status_code == 200
    await weekly(client, of_nine.rpartition("/")[2], monday=hours("08:00-12:00"))
    before = await everything(db)
    assert (await client.post(f"{of_nine}/scheduleChanges", **sent)).status_code == 412
    assert await everything(db) == before


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_what_is_wrong_with_a_week_is_told_where_it_is(client, db, of_nine, dry_run):
    before = await everything(db)
    for wrong, pointer in (
        (hours("09:00-12:00", "11:00-13:00"), "#/weekly/monday/1"),
        (hours("12:00-09:00"), "#/weekly/monday/0/endTime"),
    ):
        body = {"weekly": {"monday": wrong}}
        refused = await client.post(f"{of_nine}/scheduleChanges", params={"dryRun": dry_run}, json=body, headers=ADMIN)
        assert (refused.status_code, [fault["pointer"] for fault in refused.json()["errors"]]) == (400, [pointer])
    assert await everything(db) == before


async def test_a_repeated_week_is_saved_once(client, db, of_nine):
    again = {"json": TEN, "headers": ADMIN | {"Idempotency-Key": "ten"}}
    first = await client.post(f"{of_nine}/scheduleChanges", **again)
    before = await db.fetch("select id, version from doctor_slot order by id")
    second = await client.post(f"{of_nine}/scheduleChanges", **again)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert await db.fetch("select id, version from doctor_slot order by id") == before


async def test_a_clinic_has_no_week_of_its_own(client, of_nine):
    refused = await client.post("/api/clinics/1/scheduleChanges", json=TEN, headers=ADMIN)
    assert (refused.status_code, refused.json()["errors"]) == (
        400,
        [{"pointer": "#/weekly", "detail": "is not a known field or parameter"}],
    )


async def test_only_the_administrator_changes_hours(client, shah):
    assert (
        await client.post(f"/api/doctors/{shah}/scheduleChanges", params={"dryRun": "true"}, json={})
    ).status_code == 401
