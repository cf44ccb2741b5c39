"""Generating booking slots from weekly hours."""

import asyncio
from datetime import date, timedelta

import pytest

from appoint.clinics.clinics import service as clinics
from appoint.clinics.doctors import service as doctors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.slots import jobs, service
from support.app import ADMIN
from support.hours import (
    COMING_MONDAY,
    create_time_slot,
    generate_slots,
    hours,
    list_published,
    put_weekly_hours,
    set_weekly_hours,
)
from support.scheduling import (
    SUNDAY,
    add_absence,
    events_of_type,
    find_slot_id,
    publish_slot,
    remove_slot,
    unpublished_world,
)
from support.world import MONDAY, RECEPTION, create_clinic, create_doctor


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await unpublished_world(db, cache)


async def test_generation_publishes_the_weekly_schedule(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00 13:00-17:00", wednesday="20:00-24:00")
    assert await generate_slots(world, MONDAY, SUNDAY) == service.Generated(3, 0)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-12:00",
        "Mon 1 13:00-17:00",
        "Wed 3 20:00-24:00",
    ]


async def test_generating_twice_publishes_nothing_new(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00", tuesday="09:00-12:00")
    await generate_slots(world, MONDAY)
    assert await generate_slots(world, MONDAY, SUNDAY) == service.Generated(1, 1)
    assert await generate_slots(world, MONDAY, SUNDAY) == service.Generated(0, 2)


async def test_concurrent_generations_create_each_slot_once(world):
    for name in ("Dr Okafor", "Dr Moreau"):
        await set_weekly_hours(
            world,
            await world.add_doctor(name),
            **dict.fromkeys(("monday", "tuesday", "friday"), "09:00-12:00 13:00-17:00"),
        )
    results = await asyncio.gather(
        *(generate_slots(world, MONDAY + timedelta(days=n % 3), MONDAY + timedelta(days=20)) for n in range(6)),
        jobs.publish_to_horizon(world.db, now=world.now),
    )
    assert (
        sum(result if isinstance(result, int) else result.created for result in results)
        == await world.count("booking_slot")
        == 2 * 6 * 8 + 2 * 2
    )


async def test_generation_for_one_doctor_skips_the_others(world):
    okafor = await world.add_doctor("Dr Okafor")
    for doctor_id in (world.dr_shah, okafor):
        await set_weekly_hours(world, doctor_id, monday="09:00-12:00")
    assert await generate_slots(world, MONDAY, doctor_id=okafor) == service.Generated(1, 0)
    assert await list_published(world.db, world.dr_shah) == []


async def test_doctor_slots_are_published_only_while_they_are_valid(world):
    await set_weekly_hours(world, world.dr_shah, MONDAY, monday="09:00-12:00")
    await set_weekly_hours(world, world.dr_shah, MONDAY + timedelta(weeks=1), monday="14:00-15:00")
    await generate_slots(world, MONDAY - timedelta(weeks=1), MONDAY + timedelta(weeks=1))
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 8 14:00-15:00"]


async def test_nothing_is_published_for_inactive_doctors_and_clinics(world):
    okafor = await world.add_doctor("Dr Okafor")
    for doctor_id in (world.dr_shah, okafor):
        await set_weekly_hours(world, doctor_id, monday="09:00-12:00")
    await world.db.atomic(doctors.remove, RECEPTION, doctor_id=okafor, if_match=None, now=world.now)
    assert (await generate_slots(world, MONDAY)).created == 1
    await world.db.atomic(
        clinics.deactivate, RECEPTION, clinic_id=world.clinic, cascade=True, if_match=None, now=world.now
    )
    assert await generate_slots(world, MONDAY, SUNDAY + timedelta(days=7)) == service.Generated(0, 0)


async def test_nothing_is_published_during_absences(world):
    world.okafor = await world.add_doctor("Dr Okafor")
    for doctor_id in (world.dr_shah, world.okafor):
        await set_weekly_hours(world, doctor_id, monday="09:00-12:00", tuesday="09:00-12:00")
    await add_absence(world, "10:00", "11:00", doctor="okafor")
    await add_absence(world, "11:30", "24:00", doctor=None)
    await generate_slots(world, MONDAY)
    assert await list_published(world.db, world.okafor) == ["Mon 1 09:00-10:00", "Mon 1 11:00-11:30"]
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-11:30"]


async def test_a_day_covered_by_an_absence_is_skipped(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await add_absence(world, "00:00", "24:00", doctor=None)
    assert await generate_slots(world, MONDAY) == service.Generated(0, 1)


async def test_manually_removed_time_is_not_published_again(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await publish_slot(world, MONDAY, "10:00", "11:00")
    await remove_slot(world, await find_slot_id(world, MONDAY, "10:00"))
    await generate_slots(world, MONDAY)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Mon 1 11:00-12:00"]


async def test_generation_fills_in_around_published_slots(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await publish_slot(world, MONDAY, "10:00", "13:00")
    await generate_slots(world, MONDAY)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00", "Mon 1 10:00-13:00"]


async def test_hours_keep_their_local_times_across_a_clock_change(world):
    await set_weekly_hours(world, world.dr_shah, saturday="09:00-12:00", sunday="09:00-12:00")
    await generate_slots(world, date(2027, 3, 27), date(2027, 3, 28))
    assert await list_published(world.db, world.dr_shah) == ["Sat 27 09:00-12:00", "Sun 28 09:00-12:00"]
    starts = await world.db.fetch("select lower(during) at time zone 'UTC' as start from booking_slot order by 1")
    assert [row.start.hour for row in starts] == [8, 7]


async def test_hours_inside_a_spring_gap_are_not_published(world):
    await set_weekly_hours(world, world.dr_shah, sunday="02:00-03:00 05:00-06:00")
    assert await generate_slots(world, date(2027, 3, 28)) == service.Generated(1, 1)


async def test_hours_moved_onto_others_by_a_spring_gap_share_the_time(world):
    """On that day 02:15 becomes 03:15. Nothing is published twice and nothing is lost."""
    await set_weekly_hours(world, world.dr_shah, sunday="02:15-02:45 03:00-04:00")
    await generate_slots(world, date(2027, 3, 28))
    assert await list_published(world.db, world.dr_shah) == [
        "Sun 28 03:00-03:15",
        "Sun 28 03:15-03:45",
        "Sun 28 03:45-04:00",
    ]


async def test_hours_across_an_autumn_fold_last_an_hour_longer(world):
    await set_weekly_hours(world, world.dr_shah, sunday="01:00-04:00")
    await generate_slots(world, date(2027, 10, 31))
    assert await world.db.fetchval("select upper(during) - lower(during) from booking_slot") == timedelta(hours=4)


async def test_slots_have_the_clinics_local_dates(world):
    """When it is Sunday evening in Honolulu, it is Monday in UTC."""
    honolulu = await world.add_clinic(time_zone="Pacific/Honolulu")
    kahale = await world.add_doctor("Dr Kahale", clinic=honolulu)
    await set_weekly_hours(world, kahale, sunday="20:00-24:00")
    await world.db.atomic(service.generate, RECEPTION, clinic_id=honolulu, first=SUNDAY, last=SUNDAY)
    assert await list_published(world.db, kahale) == ["Sun 7 20:00-24:00"]


async def test_generation_records_an_event_only_if_it_creates_slots(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00 13:00-17:00")
    await generate_slots(world, MONDAY)
    await generate_slots(world, MONDAY)
    await generate_slots(world, SUNDAY, SUNDAY + timedelta(days=1), doctor_id=world.dr_shah)
    events = await events_of_type(world.db, "slots.generated")
    assert [event.subject_id for event in events] == [str(world.clinic), str(world.dr_shah)]
    assert '"created": 2' in events[0].data


async def test_generated_slots_refer_to_their_time_slot(client):
    await create_clinic(client)
    shah = await create_doctor(client)
    morning = await create_time_slot(client, "09:00", "12:00")
    await put_weekly_hours(client, shah, monday=[{"timeSlotId": morning}])
    await client.post(
        "/api/availability/createBookingSlots",
        json={"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)},
        headers=ADMIN,
    )
    (slot,) = (await client.get(f"/api/doctors/{shah}/bookingSlots")).json()["items"]
    assert (slot["timeSlotId"], slot["source"], slot["date"]) == (morning, "schedule", str(COMING_MONDAY))


async def test_the_nightly_job_publishes_slots_for_all_clinics_up_to_their_horizon(world):
    await world.set_clinic(world.clinic, horizon_days=8)
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    new_york = await world.add_clinic(time_zone="America/New_York", horizon_days=3)
    await set_weekly_hours(
        world, await world.add_doctor("Dr Lee", clinic=new_york), monday="09:00-12:00", friday="09:00-12:00"
    )
    assert await jobs.publish_to_horizon(world.db, now=world.now) == 3
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 8 09:00-12:00"]


async def test_a_failing_clinic_does_not_stop_the_nightly_job(world):
    broken = await world.add_clinic()
    await set_weekly_hours(world, await world.add_doctor("Dr Lee", clinic=broken), monday="09:00-12:00")
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await world.db.execute("create function fail() returns trigger language plpgsql as $$ begin raise 'broken'; end $$")
    await world.db.execute(
        f"""
        create trigger fail before insert on booking_slot for each row
          when (new.clinic_id = {broken}) execute function fail()
        """
    )
    try:
        assert await jobs.publish_to_horizon(world.db, now=world.now) == 9
    finally:
        await world.db.execute("drop function fail cascade")


async def test_the_generation_endpoint_returns_the_number_of_new_slots(client):
    await create_clinic(client)
    shah = await create_doctor(client)
    await put_weekly_hours(client, shah, monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "doctorId": shah, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY + timedelta(days=7))}
    responses = [await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN) for _ in range(2)]
    assert [(response.status_code, response.json()) for response in responses] == [
        (200, {"created": 2, "skipped": 0}),
        (200, {"created": 0, "skipped": 2}),
    ]


async def test_a_repeated_generation_returns_the_first_response(client):
    await create_clinic(client)
    await put_weekly_hours(client, await create_doctor(client), monday=hours("09:00-12:00"))
    body = {"clinicId": 1, "from": str(COMING_MONDAY), "to": str(COMING_MONDAY)}
    responses = [
        await client.post(
            "/api/availability/createBookingSlots", json=body, headers=ADMIN | {"Idempotency-Key": "night"}
        )
        for _ in range(2)
    ]
    assert [response.json()["created"] for response in responses] == [1, 1]
    assert responses[1].headers["Idempotent-Replayed"] == "true"


async def test_generation_dates_and_ids_are_validated(client):
    await create_clinic(client)
    for change, status in [
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
    ]:
        body = {"clinicId": 1, "from": "2027-03-01", "to": "2027-03-07"} | change
        response = await client.post("/api/availability/createBookingSlots", json=body, headers=ADMIN)
        assert response.status_code == status, change
