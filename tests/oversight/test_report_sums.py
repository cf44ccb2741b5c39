"""The daily report sums: what they count, and what keeps them up to date."""

from datetime import UTC, date, datetime, timedelta

import pytest

from appoint.booking import holds
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.clinics.clinics import service as clinics
from appoint.database.pool import ACROSS, connect
from appoint.events.service import relay
from appoint.kit.cache import ClinicCache
from appoint.oversight.reports import service
from appoint.oversight.reports.model import Sums
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import BookingSlotContent
from support.hours import local
from support.report_sums import relay_all, stored_sums, sums_agree
from support.transitions import cancel, set_booked_at, step
from support.world import MONDAY, RECEPTION, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def day(world, on: date = MONDAY) -> Sums | None:
    """Return the stored sums for Dr Shah's day."""
    row = await world.db.fetchrow(
        "select * from doctor_day where clinic_id = $1 and doctor_id = $2 and date = $3",
        world.clinic,
        world.dr_shah,
        on,
    )
    if row is None:
        return None
    return Sums(
        row.booked,
        row.cancelled,
        row.missed,
        row.kept,
        row.lead_days,
        sum(row.published_minutes),
        sum(row.booked_minutes),
    )


async def test_a_booking_counts_towards_its_appointments_day_without_its_buffers(world):
    check_up = await world.add_type(45, before=5, after=10)
    await set_booked_at(
        world,
        await world.book(world.dr_shah, at(9, 30), world.ana, appointment_type_id=check_up),
        at(12, day=MONDAY - timedelta(days=3)),
    )
    await relay_all(world)
    await world.db.execute("insert into unsummed (clinic_id, days) values ($1, '(,)')", world.clinic)
    await service.sum_up(world.db)
    assert await day(world) == Sums(booked=1, lead_days=3, published_minutes=480, booked_minutes=45)
    row = await world.db.fetchrow("select * from doctor_day")
    assert (row.opens, row.booked_minutes, row.lead) == (
        9,
        [0, 30, 15, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
    )  # in Berlin time


async def test_cancelled_and_missed_appointments_do_not_take_up_time(world):
    for number, steps in enumerate((["arrive"], ["arrive", "fulfil"], ["noShow"], ["arrive", "unarrive"], [])):
        appointment = await world.book(world.dr_shah, at(9 + number), world.ana)
        for name in steps:
            await step(world, appointment, name, now=at(15))
    await cancel(world, appointment)
    await relay_all(world)
    sums = await day(world)
    assert (sums.booked, sums.cancelled, sums.missed, sums.kept, sums.booked_minutes) == (5, 1, 1, 2, 90)
    assert (sums.no_show_rate, sums.cancellation_rate, sums.utilisation) == (
        1 / 3,
        1 / 5,
        90 / 480 if sums.published_minutes else None,
    )


@pytest.mark.parametrize("end", ["remains", "expires", "is released", "is confirmed"])
async def test_a_hold_counts_only_once_it_is_confirmed(world, end):
    hold = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    if end == "expires":
        await holds.expire_holds(world.db, now=world.now + timedelta(hours=1))
    if end == "is released":
        await cancel(world, hold)
    if end == "is confirmed":
        await step(world, hold, "confirm")
        await cancel(world, hold)
    await relay_all(world)
    sums = await day(world)
    assert (sums.booked, sums.cancelled) == ((1, 1) if end == "is confirmed" else (0, 0))


async def test_rescheduling_moves_the_numbers_to_the_new_day(world):
    tuesday = MONDAY + timedelta(days=1)
    await world.publish(world.dr_shah, at(8, day=tuesday), at(16, day=tuesday))
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await relay_all(world)
    assert (await day(world)).booked == 1
    to = RescheduleRequest(start_time=at(10, day=tuesday))
    await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    await relay_all(world)
    assert ((await day(world)).booked, (await day(world, tuesday)).booked) == (0, 1)


async def test_a_day_without_hours_or_bookings_has_no_sums(world):
    content = BookingSlotContent(
        doctor_id=world.dr_shah,
        start_time=at(9, day=MONDAY + timedelta(days=1)),
        end_time=at(10, day=MONDAY + timedelta(days=1)),
    )
    slot = await world.db.atomic(slots.publish, RECEPTION, content=content)
    await relay_all(world)
    assert (await day(world, MONDAY + timedelta(days=1))).published_minutes == 60
    await world.db.atomic(slots.remove, RECEPTION, booking_slot_id=slot.id, if_match=None, now=world.now)
    await relay_all(world)
    assert await day(world, MONDAY + timedelta(days=1)) is None


async def test_the_hour_that_occurs_twice_in_autumn_has_120_minutes(world):
    autumn = date(2027, 10, 31)
    await world.publish(world.dr_shah, local(autumn, "00:00"), local(autumn, "05:00"))
    await service.rebuild(world.db, [world.clinic], done=lambda _: None)
    row = await world.db.fetchrow("select * from doctor_day where date = $1", autumn)
    assert (row.opens, row.published_minutes) == (0, [60, 60, 120, 60, 60])
    assert await sums_agree(world.db, world.clinic)


CLOCKS_GO_BACK = [
    ("America/New_York", datetime(2027, 11, 7, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2027, 10, 28, 21, tzinfo=UTC)),
]


@pytest.mark.parametrize(("time_zone", "clock_change"), CLOCKS_GO_BACK, ids=[zone for zone, _ in CLOCKS_GO_BACK])
async def test_an_appointment_that_ends_when_the_clocks_go_back_counts_before_the_change(db, time_zone, clock_change):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, time_zone=time_zone, horizon_days=60)
        await db.execute("delete from booking_slot")  # its hours are in Berlin time
        world.now = clock_change - timedelta(days=2)
        hour, minutes = timedelta(hours=1), timedelta(minutes=20)
        await world.publish(world.dr_shah, clock_change - hour, clock_change + hour)
        await world.book(world.dr_shah, clock_change - minutes, world.ana, minutes=20)
        await service.rebuild(db, [world.clinic], done=lambda _: None)
        assert await sums_agree(db, world.clinic)
        assert await db.fetchval("select booked_minutes[1] from doctor_day where booked = 1") == 20


async def test_repeated_and_reordered_events_do_not_change_the_sums(world):
    await world.book(world.dr_shah, at(9), world.ana)
    await cancel(world, await world.book(world.dr_shah, at(10), world.ana))
    await relay_all(world)
    before = await stored_sums(world.db, world.clinic)
    await world.db.execute(
        """
        insert into event (clinic_id, id, type, subject_id, subject_version, data)
        select clinic_id, uuidv7(), type, id::text, subject_version, data from event_log
        """
    )
    await relay_all(world)
    await service.rebuild(world.db, [world.clinic], done=lambda _: None)
    assert (await stored_sums(world.db, world.clinic), await world.count("unsummed")) == (before, 0)


async def test_rebuilding_corrects_sums_that_were_changed_by_hand(world):
    await world.db.execute(
        "insert into doctor_day values ($1, '2027-01-01', $2, 9, '{60}', '{60}', 1, 0, 0, 0, 0, '{1,0,0,0,0,0,0,0}')",
        world.clinic,
        world.dr_shah,
    )
    await service.rebuild(world.db, [world.clinic], done=lambda _: None)
    assert await sums_agree(world.db, world.clinic)
    assert await world.db.fetchval("select array_agg(date) from doctor_day") == [MONDAY]


async def test_the_worker_sums_days_with_its_own_database_role(world, database_url):
    await world.book(world.dr_shah, at(9), world.ana)
    worker = connect(database_url, size=1, wait_seconds=5, statement_seconds=60, role=ACROSS)
    await relay(worker, [service.note], now=world.now)
    await service.sum_up(worker)
    await worker.close()
    assert (await day(world)).booked == 1


async def test_absences_and_deactivation_reduce_the_published_minutes(world):
    closed = AbsenceContent(start_time=at(12), end_time=at(14))
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=closed, force=False, now=world.now)
    await relay_all(world)
    assert (await day(world)).published_minutes == 360
    await world.db.atomic(
        clinics.deactivate, RECEPTION, clinic_id=world.clinic, cascade=True, if_match=None, now=at(10)
    )
    await relay_all(world)
    assert (await day(world)).published_minutes == 120
