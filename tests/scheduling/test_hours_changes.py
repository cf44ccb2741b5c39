"""A schedule change makes the published slots match the weekly schedule."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from appoint.database.pool import Transaction
from appoint.kit.cache import ClinicCache
from appoint.scheduling.hours_changes import service
from appoint.scheduling.hours_changes.model import ScheduleChangeContent
from appoint.scheduling.slots import service as slots
from support.database import wait_for_lock
from support.hours import generate_slots, list_published, local, set_weekly_hours
from support.hours_changes import as_text, change, preview, schedule_rows
from support.scheduling import (
    TUESDAY,
    add_absence,
    book,
    move_slot,
    publish_slot,
    remove_absence,
    stranded_ids,
    weekly_world,
)
from support.world import MONDAY, RECEPTION


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays from nine to twelve; two weeks are published."""
    async with ClinicCache(None) as cache:
        yield await weekly_world(db, cache, last=MONDAY + timedelta(days=7), monday="09:00-12:00")


async def test_a_schedule_change_makes_published_slots_match_the_schedule(world):
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00", tuesday="09:00-11:00")
    result = await change(world)
    assert (as_text(result.added), as_text(result.removed), as_text(result.kept), result.stranded) == (
        ["1 10:00-12:00", "2 09:00-11:00", "8 10:00-12:00"],
        ["1 09:00-12:00", "8 09:00-12:00"],
        [],
        [],
    )
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 10:00-12:00",
        "Tue 2 09:00-11:00",
        "Mon 8 10:00-12:00",
    ]


async def test_slots_that_still_match_the_schedule_stay_unchanged(world):
    before = await schedule_rows(world)
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00 13:00-15:00")
    result = await change(world)
    assert (as_text(result.kept), as_text(result.removed)) == (["1 09:00-12:00", "8 09:00-12:00"], [])
    after = await schedule_rows(world)
    assert set(before[0]) <= set(after[0])


async def test_applying_an_unchanged_schedule_changes_nothing(world):
    before = await schedule_rows(world)
    result = await change(world)
    assert (as_text(result.added), as_text(result.removed)) == ([], [])
    assert await schedule_rows(world) == before


async def test_dates_after_the_last_published_one_are_left_to_generation(world):
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    await change(world, to=MONDAY + timedelta(days=100))
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 10:00-12:00", "Mon 8 10:00-12:00"]


async def test_only_the_requested_dates_change(world):
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    await change(world, from_=TUESDAY)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 8 10:00-12:00"]
    await change(world, to=MONDAY)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 10:00-12:00", "Mon 8 10:00-12:00"]


async def test_slots_that_have_started_stay_unchanged(world):
    world.now = local(MONDAY, "10:00")
    await set_weekly_hours(world, world.dr_shah, monday="11:00-14:00")
    result = await change(world, to=MONDAY)
    assert (as_text(result.added), as_text(result.removed)) == (["1 12:00-14:00"], [])
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:00-12:00",
        "Mon 1 12:00-14:00",
        "Mon 8 09:00-12:00",
    ]


async def test_a_change_without_published_slots_does_nothing(world):
    await world.db.execute("delete from booking_slot")
    result = await change(world)
    assert (result.added, result.removed, result.kept) == ([], [], [])


async def test_a_change_publishes_nothing_during_absences(world):
    await add_absence(world, "10:00", "11:00", doctor=None)
    await set_weekly_hours(world, world.dr_shah, monday="09:30-12:00")
    await change(world, to=MONDAY)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 09:30-10:00",
        "Mon 1 11:00-12:00",
        "Mon 8 09:00-12:00",
    ]


async def test_manual_slots_and_manually_removed_time_stay_unchanged(world):
    slot = await publish_slot(world, MONDAY, "14:00", "15:00")
    morning = await world.db.fetchval("select id from booking_slot where date = $1 order by during limit 1", MONDAY)
    await move_slot(world, morning, MONDAY, "09:00", "11:00")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-16:00")
    await change(world, to=MONDAY)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 10:00-11:00",
        "Mon 1 12:00-14:00",
        "Mon 1 14:00-15:00",
        "Mon 1 15:00-16:00",
        "Mon 8 09:00-12:00",
    ]
    assert (await slots.get(world.db, slot.id)).version == 1


async def test_a_change_for_a_clinic_covers_all_its_doctors(world):
    okafor = await world.add_doctor("Dr Okafor")
    await set_weekly_hours(world, okafor, monday="09:00-10:00")
    await generate_slots(world, MONDAY)
    for doctor_id in (world.dr_shah, okafor):
        await set_weekly_hours(world, doctor_id, monday="10:00-11:00")
    result = await change(world, doctor=None, to=MONDAY)
    assert {each.doctor_id for each in result.added} == {world.dr_shah, okafor}
    assert [await list_published(world.db, doctor_id) for doctor_id in (world.dr_shah, okafor)] == [
        ["Mon 1 10:00-11:00", "Mon 8 09:00-12:00"],
        ["Mon 1 10:00-11:00"],
    ]


async def test_a_change_for_a_doctor_does_not_affect_colleagues(world):
    okafor = await world.add_doctor("Dr Okafor")
    await world.publish(okafor, local(MONDAY, "09:00"), local(MONDAY, "10:00"))
    await change(world)
    assert await list_published(world.db, okafor) == ["Mon 1 09:00-10:00"]


async def test_a_change_on_a_day_with_a_clock_change_keeps_local_times(world):
    sunday = MONDAY + timedelta(days=27)
    await set_weekly_hours(world, world.dr_shah, sunday="02:30-05:00")
    await generate_slots(world, sunday)
    await set_weekly_hours(world, world.dr_shah, sunday="03:30-05:00")
    result = await change(world, from_=sunday)
    assert (len(result.kept), result.added, result.removed) == (1, [], [])  # that day, 02:30 became 03:30


async def test_a_dry_run_changes_nothing(world):
    await book(world, "09:00")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
    before = await schedule_rows(world), await world.count("event")
    assert len((await preview(world)).stranded) == 1
    assert (await schedule_rows(world), await world.count("event")) == before


@pytest.mark.parametrize(
    "week",
    [
        {"monday": "10:00-11:45", "tuesday": "08:00-09:00"},
        {},
        {"monday": "09:00-10:00 10:00-12:00"},
        {"friday": "00:00-24:00"},
    ],
)
async def test_a_dry_run_predicts_exactly_what_the_change_does(world, week):
    await book(world, "09:15")
    await book(world, "10:30", 60, customer="ben")
    await book(world, "11:45", 15, day=MONDAY + timedelta(days=7))
    await set_weekly_hours(world, world.dr_shah, **week)
    expected, result = await preview(world, stranded="keep"), await change(world, stranded="keep")
    assert (expected.added, expected.removed, expected.kept) == (result.added, result.removed, result.kept)
    assert [each.id for each in expected.stranded] == [each.id for each in result.stranded] == await stranded_ids(world)


async def test_a_change_records_one_event_with_its_counts(world):
    appointment = await book(world, "09:00")
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
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


@pytest.mark.parametrize(("start", "outcome"), [("09:00", "outside-hours"), ("10:00", "booked")])
async def test_a_booking_waits_for_an_uncommitted_change(world, start, outcome):
    await set_weekly_hours(world, world.dr_shah, monday="10:00-12:00")
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
        await wait_for_lock(world.db)
        await changing.commit()
        assert getattr(await booking, "type", "booked") == outcome


async def test_concurrent_bookings_changes_absences_and_generation_stay_consistent(world):
    async def add_and_remove_absence(n):
        absence = await add_absence(
            world, f"{9 + n:02}:30", f"{10 + n}:00", doctor=("dr_shah", None)[n % 2], force=True
        )
        await remove_absence(world, absence)

    await set_weekly_hours(world, world.dr_shah, monday="09:30-12:30")
    await asyncio.gather(
        *(book(world, f"{9 + n // 2:02}:{30 * (n % 2):02}", customer=("ana", "ben")[n % 2]) for n in range(6)),
        *(change(world, doctor=(None, "dr_shah")[n % 2], stranded="keep") for n in range(4)),
        *(add_and_remove_absence(n) for n in range(3)),
        *(generate_slots(world, MONDAY) for _ in range(3)),
    )
    await change(world, stranded="keep")
    assert (await list_published(world.db, world.dr_shah, remnants=False))[0] == "Mon 1 09:30-12:30"
    outside = await world.db.fetch(
        """
        select a.id from appointment a
         where a.active_during is not null
           and not (a.active_during <@ (select range_agg(s.active_during) from booking_slot s
                                         where s.doctor_id = a.doctor_id and not remnant))
        """
    )
    assert [row.id for row in outside] == await stranded_ids(world)


async def test_a_change_reaches_the_horizon_if_hours_are_published_that_far(world):
    """No one has worked on Fridays before, so the last published date is a Monday."""
    await world.set_clinic(world.clinic, horizon_days=11)
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00", friday="09:00-12:00")
    await change(world)
    assert (await list_published(world.db, world.dr_shah))[-2:] == ["Mon 8 09:00-12:00", "Fri 12 09:00-12:00"]


async def test_a_change_ends_on_the_last_published_date_if_hours_are_not_published_to_the_horizon(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00", friday="09:00-12:00")
    await change(world)
    assert (await list_published(world.db, world.dr_shah))[-1] == "Mon 8 09:00-12:00"
