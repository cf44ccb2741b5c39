import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from appoint.clinics.clinics import service as clinics
from appoint.clinics.doctors import service as doctors
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.slots import jobs, service
from appoint.scheduling.slots.model import BookingSlotContent
from support.app import ADMIN
from support.hours import COMING_MONDAY, generate, hours, local, published, time_slot, weekly, works
from support.rows import clinic, customer, doctor
from support.world import MONDAY, RECEPTION, World

SUNDAY = MONDAY + timedelta(days=6)


@pytest.fixture
async def world(db):
    """Nobody's hours are published yet."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        await db.execute("delete from booking_slot")
        yield world


async def add(world, day, start, end, doctor=None):
    content = BookingSlotContent(
        doctor_id=doctor or world.dr_shah, start_time=local(day, start), end_time=local(day, end)
    )
    return await world.db.atomic(service.publish, RECEPTION, content=content)


async def move(world, slot_id, day, start, end, *, if_match=None):
    return await world.db.atomic(
        service.move,
        RECEPTION,
        booking_slot_id=slot_id,
        start=local(day, start),
        end=local(day, end),
        if_match=if_match,
        now=world.now,
    )


async def remove(world, slot_id):
    await world.db.atomic(service.remove, RECEPTION, booking_slot_id=slot_id, if_match=None, now=world.now)


async def slot_at(world, day, start):
    return await world.db.fetchval("select id from booking_slot where lower(active_during) = $1", local(day, start))


async def away(world, start, end, doctor=None):
    await world.db.execute(
        "insert into absence (clinic_id, id, doctor_id, during) values ($1, mint_id($1), $2, tstzrange($3, $4))",
        world.clinic,
        doctor,
        start,
        end,
    )


async def told(world, type):
    return await world.db.fetch("select subject_id, data::text from event where type = $1 order by id", type)


def refusal(error):
    return error.value.type


# generation


async def test_a_weekly_schedule_becomes_slots_of_its_dates(world):
    await works(world, world.dr_shah, monday="09:00-12:00 13:00-17:00", wednesday="20:00-24:00")
    assert await generate(world, MONDAY, SUNDAY) == service.Generated(3, 0)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 1 13:00-17:00", "Wed 3 20:00-24:00"]


async def test_generating_twice_gives_nothing_new(world):
    await works(world, world.dr_shah, monday="09:00-12:00", tuesday="09:00-12:00")
    await generate(world, MONDAY)
    assert await generate(world, MONDAY, SUNDAY) == service.Generated(1, 1)
    assert await generate(world, MONDAY, SUNDAY) == service.Generated(0, 2)


async def test_of_many_generations_at_once_each_slot_comes_from_one(world):
    for name in ("Dr Okafor", "Dr Moreau"):
        await works(
            world,
            await world.add_doctor(name),
            **dict.fromkeys(("monday", "tuesday", "friday"), "09:00-12:00 13:00-17:00"),
        )
    results = await asyncio.gather(
        *(generate(world, MONDAY + timedelta(days=n % 3), MONDAY + timedelta(days=20)) for n in range(6)),
        jobs.nightly(world.db, now=world.now),
    )
    assert (
        sum(result if isinstance(result, int) else result.created for result in results)
        == await world.count("booking_slot")
        == 2 * 6 * 8 + 2 * 2
    )


async def test_only_the_doctor_who_is_named_gets_slots(world):
    okafor = await world.add_doctor("Dr Okafor")
    for one in (world.dr_shah, okafor):
        await works(world, one, monday="09:00-12:00")
    assert await generate(world, MONDAY, doctor_id=okafor) == service.Generated(1, 0)
    assert await published(world.db, world.dr_shah) == []


async def test_lines_give_slots_only_while_they_hold(world):
    await works(world, world.dr_shah, MONDAY, monday="09:00-12:00")
    await works(world, world.dr_shah, MONDAY + timedelta(weeks=1), monday="14:00-15:00")
    await generate(world, MONDAY - timedelta(weeks=1), MONDAY + timedelta(weeks=1))
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 8 14:00-15:00"]


async def test_inactive_doctors_and_clinics_get_nothing(world):
    okafor = await world.add_doctor("Dr Okafor")
    for one in (world.dr_shah, okafor):
        await works(world, one, monday="09:00-12:00")
    await world.db.atomic(doctors.remove, RECEPTION, doctor_id=okafor, if_match=None, now=world.now)
    assert (await generate(world, MONDAY)).created == 1
    await world.db.atomic(
        clinics.deactivate, RECEPTION, clinic_id=world.clinic, cascade=True, if_match=None, now=world.now
    )
    assert await generate(world, MONDAY, SUNDAY + timedelta(days=7)) == service.Generated(0, 0)


async def test_absences_give_no_slots(world):
    okafor = await world.add_doctor("Dr Okafor")
    for one in (world.dr_shah, okafor):
        await works(world, one, monday="09:00-12:00", tuesday="09:00-12:00")
    await away(world, local(MONDAY, "10:00"), local(MONDAY, "11:00"), okafor)
    await away(world, local(MONDAY, "11:30"), local(MONDAY, "24:00"))
    await generate(world, MONDAY)
    assert await published(world.db, okafor) == ["Mon 1 09:00-10:00", "Mon 1 11:00-11:30"]
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-11:30"]


async def test_a_day_that_is_all_absence_is_skipped(world):
    await works(world, world.dr_shah, monday="09:00-12:00")
    await away(world, local(MONDAY, "00:00"), local(MONDAY, "24:00"))
    assert await generate(world, MONDAY) == service.Generated(0, 1)


async def test_time_removed_by_hand_stays_away(world):
    await works(world, world.dr_shah, monday="09:00-12:00")
    await add(world, MONDAY, "10:00", "11:00")
    await remove(world, await slot_at(world, MONDAY, "10:00"))
    await generate(world, MONDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Mon 1 11:00-12:00"]


async def test_slots_grow_around_what_is_published_already(world):
    await works(world, world.dr_shah, monday="09:00-12:00")
    await add(world, MONDAY, "10:00", "13:00")
    await generate(world, MONDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Mon 1 10:00-13:00"]


async def test_a_line_keeps_its_wall_time_on_both_sides_of_a_change_of_the_clock(world):
    await works(world, world.dr_shah, saturday="09:00-12:00", sunday="09:00-12:00")
    await generate(world, date(2027, 3, 27), date(2027, 3, 28))
    assert await published(world.db, world.dr_shah) == ["Sat 27 09:00-12:00", "Sun 28 09:00-12:00"]
    starts = await world.db.fetch("select lower(during) at time zone 'UTC' as start from booking_slot order by 1")
    assert [row.start.hour for row in starts] == [8, 7]


async def test_a_line_that_a_spring_gap_swallows_gives_nothing(world):
    await works(world, world.dr_shah, sunday="02:00-03:00 05:00-06:00")
    assert await generate(world, date(2027, 3, 28)) == service.Generated(1, 1)


async def test_a_line_that_a_spring_gap_moves_onto_another_shares_the_time_with_it(world):
    """02:15 is 03:15 that day; nothing is published twice, and nothing is lost."""
    await works(world, world.dr_shah, sunday="02:15-02:45 03:00-04:00")
    await generate(world, date(2027, 3, 28))
    assert await published(world.db, world.dr_shah) == [
        "Sun 28 03:00-03:15",
        "Sun 28 03:15-03:45",
        "Sun 28 03:45-04:00",
    ]


async def test_a_line_over_an_autumn_fold_lasts_an_hour_longer(world):
    await works(world, world.dr_shah, sunday="01:00-04:00")
    await generate(world, date(2027, 10, 31))
    assert await world.db.fetchval("select upper(during) - lower(during) from booking_slot") == timedelta(hours=4)


async def test_slots_belong_to_the_clinics_own_dates(world):
    """Sunday evening in Honolulu is Monday in UTC."""
    there = await world.add_clinic(time_zone="Pacific/Honolulu")
    kahale = await world.add_doctor("Dr Kahale", clinic=there)
    await works(world, kahale, sunday="20:00-24:00")
    await world.db.atomic(service.generate, RECEPTION, clinic_id=there, first=SUNDAY, last=SUNDAY)
    assert await published(world.db, kahale) == ["Sun 7 20:00-24:00"]


async def test_a_generation_is_one_event_and_one_without_slots_is_none(world):
    await works(world, world.dr_shah, monday="09:00-12:00 13:00-17:00")
    await generate(world, MONDAY)
    await generate(world, MONDAY)
    await generate(world, SUNDAY, SUNDAY + timedelta(days=1), doctor_id=world.dr_shah)
    events = await told(world, "slots.generated")
    assert [event.subject_id for event in events] == [str(world.clinic), str(world.dr_shah)]
    assert '"created": 2' in events[0].data


async def test_slots_know_their_time_slot(client):
    await clinic(client)
    shah = await doctor(client)
    morning = await time_slot(client, "09:00", "12:00")
    await weekly(client, shah, monday=[{"timeSlotId": morning}])
    await client.post(
        "/api/availability/createBookingSlots",
        json={"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)},
        headers=ADMIN,
    )
    (slot,) = (await client.get(f"/api/doctors/{shah}/bookingSlots")).json()["items"]
    assert (slot["timeSlotId"], slot["source"], slot["date"]) == (morning, "schedule", str(COMING_MONDAY))


async def test_every_night_all_clinics_are_published_to_their_horizon(world):
    await world.set_clinic(world.clinic, horizon_days=8)
    await works(world, world.dr_shah, monday="09:00-12:00")
    elsewhere = await world.add_clinic(time_zone="America/New_York", horizon_days=3)
    await works(world, await world.add_doctor("Dr Lee", clinic=elsewhere), monday="09:00-12:00", friday="09:00-12:00")
    assert await jobs.nightly(world.db, now=world.now) == 3
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 8 09:00-12:00"]


async def test_a_clinic_that_fails_at_night_does_not_stop_the_others(world):
    broken = await world.add_clinic()
    await works(world, await world.add_doctor("Dr Lee", clinic=broken), monday="09:00-12:00")
    await works(world, world.dr_shah, monday="09:00-12:00")
    await world.db.execute("create function fail() returns trigger language plpgsql as $$ begin raise 'broken'; end $$")
    await world.db.execute(
        f"create trigger fail before insert on booking_slot for each row when (new.clinic_id = {broken}) execute function fail()"
    )
    try:
        assert await jobs.nightly(world.db, now=world.now) == 9
    finally:
        await world.db.execute("drop function fail cascade")


async def test_generation_over_the_api_answers_how_much_is_new(client):
    await clinic(client)
    shah = await doctor(client)
    await weekly(client, shah, monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "doctorId": shah, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY + timedelta(days=7))}
    answers = [await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (200, {"created": 2, "skipped": 0}),
        (200, {"created": 0, "skipped": 2}),
    ]


async def test_a_repeated_generation_is_answered_as_the_first(client):
    await clinic(client)
    await weekly(client, await doctor(client), monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)}
    answers = [
        await client.post(
            "/api/availability/createBookingSlots", json=body, headers=ADMIN | {"Idempotency-Key": "night"}
        )
        for _ in range(2)
    ]
    assert [answer.json()["created"] for answer in answers] == [1, 1]
    assert answers[1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"to": "2027-02-28"}, 400),
        ({"to": "2028-03-01"}, 400),
        ({"to": "2028-02-29"}, 200),
        ({"from": "2027-02-30"}, 400),
        ({"from": None}, 400),
        ({"clinicId": 2}, 404),
        ({"clinicId": 2**31}, 400),
        ({"doctorId": "00000001-0000-8000-8000-000000000000"}, 404),
        ({"doctorId": "00000002-0000-8000-8000-000000000000"}, 404),
        ({"surprise": 1}, 400),
    ],
)
async def test_dates_to_generate_are_checked(client, change, status):
    await clinic(client)
    body = {"clinicId": 1, "from": "2027-03-01", "to": "2027-03-07"} | change
    assert (await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)).status_code == status


# slots by hand


async def test_a_slot_is_published_by_hand(world):
    slot = await add(world, MONDAY, "18:00", "19:00")
    assert (slot.source, slot.date, slot.active, slot.version) == ("manual", MONDAY, True, 1)
    assert await published(world.db, world.dr_shah) == ["Mon 1 18:00-19:00"]
    assert [event.subject_id for event in await told(world, "slot.published")] == [str(slot.id)]


async def test_slots_do_not_overlap(world):
    await add(world, MONDAY, "09:00", "12:00")
    with pytest.raises(errors.Conflict) as refused:
        await add(world, MONDAY, "11:00", "13:00")
    assert refusal(refused) == "slots-overlap"


async def test_slots_may_touch(world):
    await add(world, MONDAY, "09:00", "12:00")
    await add(world, MONDAY, "12:00", "13:00")
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 1 12:00-13:00"]


async def test_of_many_who_publish_the_same_time_at_once_one_does(world):
    results = await asyncio.gather(*(add(world, MONDAY, "09:00", "12:00") for _ in range(8)), return_exceptions=True)
    assert sorted(getattr(result, "type", "published") for result in results) == ["published"] + ["slots-overlap"] * 7


async def test_a_slot_lies_within_one_day_of_the_clinic(world):
    await add(world, MONDAY, "23:00", "24:00")
    over_midnight = BookingSlotContent(
        doctor_id=world.dr_shah, start_time=local(SUNDAY, "23:00"), end_time=local(SUNDAY + timedelta(days=1), "01:00")
    )
    with pytest.raises(errors.Conflict) as refused:
        await world.db.atomic(service.publish, RECEPTION, content=over_midnight)
    assert refusal(refused) == "crosses-midnight"
    assert await published(world.db, world.dr_shah) == ["Mon 1 23:00-24:00"]


async def test_nobody_publishes_hours_of_a_doctor_who_left(world):
    await world.db.atomic(doctors.remove, RECEPTION, doctor_id=world.dr_shah, if_match=None, now=world.now)
    with pytest.raises(errors.Conflict) as refused:
        await add(world, MONDAY, "09:00", "12:00")
    assert refusal(refused) == "doctor-inactive"


async def test_publishing_time_that_was_removed_brings_it_back(world):
    """What is left of the removed slot still stays away."""
    await works(world, world.dr_shah, monday="09:00-12:00")
    await generate(world, MONDAY)
    await remove(world, await slot_at(world, MONDAY, "09:00"))
    again = await add(world, MONDAY, "10:00", "11:00")
    await remove(world, again.id)
    await add(world, MONDAY, "10:30", "11:00")
    await works(world, world.dr_shah, monday="08:00-13:00")
    await generate(world, MONDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 08:00-09:00", "Mon 1 10:30-11:00", "Mon 1 12:00-13:00"]


async def test_a_removed_slot_is_gone_and_stays_readable(world):
    slot = await add(world, MONDAY, "09:00", "12:00")
    await remove(world, slot.id)
    await remove(world, slot.id)
    assert await published(world.db, world.dr_shah) == []
    again = await service.get(world.db, slot.id)
    assert (again.active, again.removed_at, again.version) == (False, world.now, 2)
    assert len(await told(world, "slot.withdrawn")) == 1


async def test_a_slot_with_an_appointment_is_not_withdrawn(world):
    slot = await add(world, MONDAY, "09:00", "12:00")
    await world.book(world.dr_shah, local(MONDAY, "10:00"), world.ana)
    with pytest.raises(errors.Conflict) as refused:
        await remove(world, slot.id)
    assert refusal(refused) == "slot-has-appointments"


async def test_neither_of_two_slots_under_one_appointment_is_withdrawn(world):
    first, second = await add(world, MONDAY, "09:00", "12:00"), await add(world, MONDAY, "12:00", "13:00")
    await world.book(world.dr_shah, local(MONDAY, "11:45"), world.ana)
    for slot in (first, second):
        with pytest.raises(errors.Conflict) as refused:
            await remove(world, slot.id)
        assert refusal(refused) == "slot-has-appointments"


async def test_a_booking_and_a_withdrawal_at_once_do_not_both_succeed(world):
    for n in range(12):
        day = MONDAY + timedelta(days=n)
        slot = await add(world, day, "09:00", "10:00")
        booking, removal = await asyncio.gather(
            world.book(world.dr_shah, local(day, "09:00"), world.ana, minutes=60),
            remove(world, slot.id),
            return_exceptions=True,
        )
        outcome = (getattr(booking, "type", "booked"), getattr(removal, "type", "withdrawn"))
        assert outcome in (("booked", "slot-has-appointments"), ("outside-hours", "withdrawn"))


async def test_a_slot_is_moved(world):
    slot = await add(world, MONDAY, "09:00", "12:00")
    moved = await move(world, slot.id, MONDAY + timedelta(days=1), "10:00", "13:00")
    assert (moved.id, moved.date, moved.version) == (slot.id, MONDAY + timedelta(days=1), 2)
    assert await published(world.db, world.dr_shah) == ["Tue 2 10:00-13:00"]
    assert [event.subject_id for event in await told(world, "slot.moved")] == [str(slot.id)]


async def test_time_that_a_slot_gives_up_stays_away(world):
    await works(world, world.dr_shah, monday="09:00-12:00")
    await generate(world, MONDAY)
    await move(world, await slot_at(world, MONDAY, "09:00"), MONDAY, "10:00", "11:00")
    await generate(world, MONDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 10:00-11:00"]


async def test_time_that_a_slot_takes_is_no_longer_removed(world):
    await works(world, world.dr_shah, monday="09:00-12:00")
    await generate(world, MONDAY)
    slot = await slot_at(world, MONDAY, "09:00")
    await move(world, slot, MONDAY, "10:00", "11:00")
    await move(world, slot, MONDAY, "09:00", "10:30")
    await generate(world, MONDAY)
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-10:30"]
    everything = await world.db.fetchval("select sum(upper(during) - lower(during)) from booking_slot")
    assert everything == timedelta(hours=3)  # no minute is both published and removed


async def test_a_slot_that_shrinks_is_still_the_schedules_and_one_that_grows_is_by_hand(world):
    await works(world, world.dr_shah, monday="09:00-12:00")
    await generate(world, MONDAY)
    slot = await slot_at(world, MONDAY, "09:00")
    assert (await move(world, slot, MONDAY, "09:00", "11:00")).source == "schedule"
    assert (await move(world, slot, MONDAY, "09:00", "11:30")).source == "manual"


async def test_a_removed_slot_that_gets_bounds_is_published_again(world):
    slot = await add(world, MONDAY, "09:00", "12:00")
    await remove(world, slot.id)
    assert (await move(world, slot.id, MONDAY, "09:00", "10:00")).active
    assert await published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00"]


async def test_a_slot_cannot_leave_its_appointments_behind(world):
    slot = await add(world, MONDAY, "09:00", "12:00")
    await world.book(world.dr_shah, local(MONDAY, "10:00"), world.ana)
    with pytest.raises(errors.Conflict) as refused:
        await move(world, slot.id, MONDAY, "10:15", "12:00")
    assert refusal(refused) == "slot-has-appointments"
    assert (await move(world, slot.id, MONDAY, "10:00", "10:30")).version == 2


async def test_a_slot_cannot_move_onto_another(world):
    slot = await add(world, MONDAY, "09:00", "12:00")
    await add(world, MONDAY, "13:00", "15:00")
    with pytest.raises(errors.Conflict) as refused:
        await move(world, slot.id, MONDAY, "10:00", "13:30")
    assert refusal(refused) == "slots-overlap"


async def test_slots_that_move_onto_each_others_time_at_once_do_not_deadlock(world):
    first, second = await add(world, MONDAY, "09:00", "10:00"), await add(world, MONDAY, "11:00", "12:00")
    moves = [
        move(world, slot.id, MONDAY, start, end)
        for slot, start, end in ((first, "10:30", "11:30"), (second, "09:30", "10:30"))
        for _ in range(4)
    ]
    results = await asyncio.gather(*moves, return_exceptions=True)
    assert {getattr(result, "type", "moved") for result in results} <= {"moved", "slots-overlap"}


async def test_a_slot_that_has_changed_is_not_moved_unseen(world):
    slot = await add(world, MONDAY, "09:00", "12:00")
    await move(world, slot.id, MONDAY, "09:00", "11:00")
    with pytest.raises(errors.VersionMismatch):
        await move(world, slot.id, MONDAY, "09:00", "10:00", if_match='"v1"')


# over the API


@pytest.fixture
async def shah(client):
    """A doctor of a clinic in Berlin who works on Mondays; two weeks are published."""
    await clinic(client)
    shah = await doctor(client)
    await weekly(client, shah, monday=hours("09:00-10:00", "10:00-12:00", "13:00-17:00"))
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY + timedelta(days=7))}
    await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
    return shah


async def listed(client, shah, headers=None, **params):
    return (await client.get(f"/api/doctors/{shah}/bookingSlots", params=params, headers=headers)).json()["items"]


async def book_whole(client, slot, customer_id, **headers):
    return await client.put(
        f"/api/bookingSlots/{slot['id']}", json={"customerId": customer_id}, headers=ADMIN | headers
    )


async def test_slots_are_listed_earliest_first_page_by_page(client, shah):
    path, params, found = f"/api/doctors/{shah}/bookingSlots", {"limit": 4}, []
    while params.get("cursor", "first"):
        page = (await client.get(path, params=params)).json()
        found += page["items"]
        params = {"limit": 4, "cursor": page["next"]}
    assert [slot["startTime"] for slot in found] == sorted({slot["startTime"] for slot in found})
    assert len(found) == 6


async def test_pages_stay_whole_while_slots_are_added(client, shah):
    first = (await client.get(f"/api/doctors/{shah}/bookingSlots", params={"limit": 2})).json()
    body = {
        "doctorId": shah,
        "startTime": local(COMING_MONDAY, "07:00").isoformat(),
        "endTime": local(COMING_MONDAY, "08:00").isoformat(),
    }
    assert (await client.post("/api/bookingSlots", json=body, headers=ADMIN)).status_code == 201
    rest = await listed(client, shah, limit=200, cursor=first["next"])
    assert len({slot["id"] for slot in first["items"] + rest}) == 6


async def test_slots_of_dates_are_listed(client, shah):
    assert {slot["date"] for slot in await listed(client, shah, **{"from": COMING_MONDAY, "to": COMING_MONDAY})} == {
        str(COMING_MONDAY)
    }
    assert len(await listed(client, shah, **{"from": COMING_MONDAY + timedelta(days=1)})) == 3
    assert await listed(client, shah, to="2020-01-01") == []


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2027-03-02", "to": "2027-03-01"},
        {"status": "open"},
        {"limit": 0},
        {"limit": 10**9},
        {"cursor": "AAAA"},
        {"from": "x"},
        {"q": "x"},
    ],
)
async def test_a_list_that_cannot_be_is_refused(client, shah, params):
    assert (await client.get(f"/api/doctors/{shah}/bookingSlots", params=params)).status_code == 400


async def test_slots_of_a_doctor_who_is_not_there_are_not_found(client, shah):
    assert (await client.get("/api/doctors/00000001-0000-8000-8000-000000000000/bookingSlots")).status_code == 404
    assert (await client.get("/api/bookingSlots/00000002-0000-8000-8000-000000000000")).status_code == 404


async def test_a_whole_slot_is_given_to_a_customer(client, shah):
    ana = await customer(client)
    slot = (await listed(client, shah))[0]
    given = await book_whole(client, slot, ana)
    assert (given.status_code, given.json()["customerId"]) == (200, ana)
    assert [each["customerId"] for each in given.json()["appointments"]] == [ana]


async def test_a_slot_is_given_once(client, shah):
    slot = (await listed(client, shah))[0]
    customers = [await customer(client) for _ in range(6)]
    answers = await asyncio.gather(*(book_whole(client, slot, each) for each in customers))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    assert {answer.json().get("reason") for answer in answers} == {None, "taken"}


async def test_a_removed_slot_is_not_given(client, shah):
    slot = (await listed(client, shah))[0]
    await client.delete(f"/api/bookingSlots/{slot['id']}", headers=ADMIN)
    assert (await book_whole(client, slot, await customer(client))).json()["reason"] == "outside-hours"


async def test_a_slot_is_given_only_as_it_was_seen(client, shah):
    slot = (await listed(client, shah))[0]
    assert (await book_whole(client, slot, await customer(client), **{"If-Match": '"v2"'})).status_code == 412


async def test_who_holds_a_slot_is_shown_to_the_clinic_only(client, shah):
    ana = await customer(client)
    await book_whole(client, (await listed(client, shah))[0], ana)
    assert ana not in str(await listed(client, shah))
    assert [slot["customerId"] for slot in await listed(client, shah, headers=ADMIN)] == [
        ana,
        None,
        None,
        None,
        None,
        None,
    ]
    slot = (await client.get(f"/api/bookingSlots/{(await listed(client, shah))[0]['id']}")).json()
    assert not {"customerId", "appointments"} & slot.keys()


async def test_the_clinic_sees_a_booking_although_the_slot_has_the_same_version(client, shah):
    slot = (await listed(client, shah))[0]
    tag = (await client.get(f"/api/bookingSlots/{slot['id']}", headers=ADMIN)).headers["ETag"]
    await book_whole(client, slot, await customer(client))
    assert (
        await client.get(f"/api/bookingSlots/{slot['id']}", headers=ADMIN | {"If-None-Match": tag})
    ).status_code == 200


async def test_free_and_booked_slots_are_told_apart(client, shah):
    await book_whole(client, (await listed(client, shah))[2], await customer(client))
    assert [len(await listed(client, shah, status=status)) for status in ("free", "booked")] == [5, 1]


async def test_a_slot_that_a_part_is_taken_of_is_booked_and_held_by_nobody(client, shah):
    slot = (await listed(client, shah))[2]
    start = local(COMING_MONDAY, "13:00").isoformat()
    end = local(COMING_MONDAY, "13:30").isoformat()
    body = {"customerId": await customer(client), "doctorId": shah, "startTime": start, "endTime": end}
    assert (await client.post("/api/appointments", json=body)).status_code == 201
    shown = (await client.get(f"/api/bookingSlots/{slot['id']}", headers=ADMIN)).json()
    assert (shown["customerId"], len(shown["appointments"])) == (None, 1)
    assert [each["id"] for each in await listed(client, shah, status="booked")] == [slot["id"]]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
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
    ],
)
async def test_a_change_of_a_slot_that_cannot_be_is_refused(client, shah, body, pointer):
    slot = (await listed(client, shah))[0]
    refused = await client.put(f"/api/bookingSlots/{slot['id']}", json=body, headers=ADMIN)
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (400, [pointer])


async def test_a_repeated_slot_is_published_once(client, shah):
    body = {
        "doctorId": shah,
        "startTime": local(COMING_MONDAY, "18:00").isoformat(),
        "endTime": local(COMING_MONDAY, "19:00").isoformat(),
    }
    answers = [
        await client.post("/api/bookingSlots", json=body, headers=ADMIN | {"Idempotency-Key": "evening"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert (await client.get(answers[0].headers["Location"])).json()["source"] == "manual"


async def test_only_the_administrator_changes_slots(client, shah):
    slot = (await listed(client, shah))[0]
    assert (await client.delete(f"/api/bookingSlots/{slot['id']}")).status_code == 401
    assert (
        await client.put(f"/api/bookingSlots/{slot['id']}", json={"customerId": str(UUID(int=1))})
    ).status_code == 401
    assert (
        await client.post(
            "/api/availability/createBookingSlots", json={"clinicId": 1, "from": "2027-03-01", "to": "2027-03-01"}
        )
    ).status_code == 401


async def test_a_slot_over_the_api_is_moved_and_removed(client, shah):
    slot = (await listed(client, shah))[0]
    body = {
        "startTime": local(COMING_MONDAY, "08:00").isoformat(),
        "endTime": local(COMING_MONDAY, "10:00").isoformat(),
    }
    moved = await client.put(f"/api/bookingSlots/{slot['id']}", json=body, headers=ADMIN | {"If-Match": '"v1"'})
    assert (moved.status_code, moved.json()["version"], moved.headers["ETag"]) == (200, 2, '"v2"')
    assert (
        await client.delete(f"/api/bookingSlots/{slot['id']}", headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412
    assert (
        await client.delete(f"/api/bookingSlots/{slot['id']}", headers=ADMIN | {"If-Match": '"v2"'})
    ).status_code == 204
