"""Days on which a doctor has no time left. Searches leave them out, and must not leave out any others."""

from datetime import timedelta

import pytest

from appoint.booking.availability import repository, search
from appoint.booking.availability.model import SearchFilter
from appoint.booking.availability.next_free import NextFreeFilter, find_next_free
from appoint.events.service import relay
from appoint.kit.cache import ClinicCache
from appoint.oversight.reports import service as reports
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import BookingSlotContent
from support.report_sums import relay_all
from support.transitions import cancel
from support.world import MONDAY, RECEPTION, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def fill(world, *, minutes=480):
    """Fill Dr Shah's Monday with one-hour appointments from the start of the day, and recalculate the day's sums."""
    hours = [divmod(start, 60) for start in range(0, minutes, 60)]
    booked = [await world.book(world.dr_shah, at(8 + hour), world.ana, minutes=60) for hour, _ in hours]
    await relay_all(world)
    return booked


async def is_full(world, minutes=30):
    days = await repository.list_full_days(world.db, world.clinic, first=MONDAY, last=MONDAY, minutes=minutes)
    return MONDAY in days.get(world.dr_shah, ())


async def count_found(world, minutes=30):
    query = SearchFilter(date=MONDAY, minutes=minutes, clinic_id=world.clinic)
    times = await search.search(world.db, query=query, after=None, first=MONDAY, last=MONDAY, now=world.now)
    return len(times)


async def test_a_day_is_full_for_appointments_that_are_longer_than_any_time_left(world):
    await fill(world, minutes=420)
    assert [await is_full(world, minutes) for minutes in (None, 30, 59)] == [False, False, False]
    await world.book(world.dr_shah, at(15, 20), world.ana, minutes=20)
    await relay_all(world)
    assert [await is_full(world, minutes) for minutes in (None, 20, 21, 59)] == [False, False, True, True]
    assert [await count_found(world, minutes) for minutes in (20, 30)] == [1, 0]


async def test_a_search_reads_nothing_of_full_days(world, monkeypatch):
    await fill(world)
    read = []
    find_next_slots = repository.find_next_slots

    async def record(*args, **values):
        slots = await find_next_slots(*args, **values)
        read.extend(slots)
        return slots

    monkeypatch.setattr(repository, "find_next_slots", record)
    assert await count_found(world) == 0
    assert read == []


async def test_time_that_becomes_free_is_found_before_the_worker_knows_of_it(world):
    booked = await fill(world)
    assert await is_full(world)
    await cancel(world, booked[3])
    assert not await is_full(world)
    assert await count_found(world, 60) == 1
    while await relay(world.db, [reports.note], now=world.now):  # but not yet added up
        pass
    assert not await is_full(world)
    await reports.sum_up(world.db)
    assert not await is_full(world, 60)


async def test_hours_published_on_a_full_day_are_found_at_once(world):
    await fill(world)
    content = BookingSlotContent(doctor_id=world.dr_shah, start_time=at(17), end_time=at(18))
    await world.db.atomic(slots.publish, RECEPTION, content=content)
    assert await count_found(world, 60) == 1


async def test_bookings_do_not_make_full_days_doubtful(world):
    await fill(world)
    other = await world.add_doctor("Dr Okafor")
    await world.publish(other, at(8), at(16))
    await world.book(other, at(9), world.ana)
    assert await is_full(world)
    assert await count_found(world) > 0


async def test_holds_do_not_fill_a_day(world):
    await fill(world, minutes=420)
    await world.book(world.dr_shah, at(15), world.ben, minutes=60, hold=True)
    await reports.rebuild(world.db, [world.clinic], done=lambda _: None)
    assert not await is_full(world)


async def test_a_day_that_an_older_worker_summed_is_not_full_until_the_next_night(world):
    await fill(world)
    await world.db.execute("update doctor_day set longest_free_minutes = null")
    assert not await is_full(world)
    await reports.note_coming_days(world.db, now=world.now)
    await reports.sum_up(world.db)
    assert await is_full(world)


async def test_a_large_clinics_staff_find_the_next_free_time_after_full_days(world, monkeypatch):
    monkeypatch.setattr(repository, "MANY_DOCTORS", 1)
    await fill(world)
    tuesday = MONDAY + timedelta(days=1)
    await world.publish(world.dr_shah, at(9, day=tuesday), at(10, day=tuesday))
    found = await find_next_free(
        world.db,
        world.cache,
        clinic_id=world.clinic,
        query=NextFreeFilter(from_=MONDAY, minutes=30),
        doctor_ids=None,
        now=world.now,
    )
    assert found.times[0].start_time == at(9, day=tuesday)


async def test_time_after_midnight_is_found_though_the_rest_of_its_slots_day_is_booked(world):
    """No schedule publishes such a slot, but one can exist."""
    await fill(world)
    tuesday = MONDAY + timedelta(days=1)
    await world.publish(world.dr_shah, at(22), at(1, day=tuesday))  # from 23:00 to 2:00 in Berlin
    await world.book(world.dr_shah, at(22), world.ana, minutes=60)
    await reports.rebuild(world.db, [world.clinic], done=lambda _: None)
    days = await repository.list_full_days(world.db, world.clinic, first=MONDAY, last=tuesday, minutes=30)
    assert world.dr_shah not in days
