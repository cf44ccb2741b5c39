"""Absences that race with bookings, generation and expiring holds."""

import asyncio
from datetime import timedelta

import pytest

from appoint.booking.repository import expire_holds
from appoint.database.pool import Transaction
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.absences import service
from appoint.scheduling.absences.model import AbsenceContent
from support.database import wait_for_lock
from support.hours import generate_slots, list_published, local, set_weekly_hours
from support.scheduling import (
    add_absence,
    book,
    remove_absence,
    stranded_ids,
    uncovered_ids,
    weekly_world,
)
from support.world import MONDAY, RECEPTION


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays and Tuesdays from nine to twelve; this week is published."""
    async with ClinicCache(None) as cache:
        yield await weekly_world(db, cache, monday="09:00-12:00", tuesday="09:00-12:00")


async def test_an_absence_waits_for_an_uncommitted_booking_and_strands_it(world):
    """The absence starts after the booking is written but before it commits."""
    async with world.db.connection() as connection:
        booking = connection.transaction()
        await booking.start()
        await connection.execute(
            "insert into patient (clinic_id, customer_id) values ($1, $2)", world.clinic, world.ana
        )
        await connection.execute(
            """
            insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
            select $1, mint_id($1), mint_id($1), $2, $3, r, r from tstzrange($4, $5) as r
            """,
            world.clinic,
            world.dr_shah,
            world.ana,
            local(MONDAY, "10:00"),
            local(MONDAY, "10:30"),
        )
        absence = asyncio.create_task(add_absence(world, "09:00", "12:00", force=True))
        await wait_for_lock(world.db)
        await booking.commit()
        await absence
    assert len(await stranded_ids(world)) == 1
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 10:00-10:30", "Tue 2 09:00-12:00"]


@pytest.mark.parametrize(("start", "outcome"), [("10:00", "outside-hours"), ("09:00", "booked")])
async def test_a_booking_waits_for_an_uncommitted_absence(world, start, outcome):
    """The booking starts after the absence is written but before it commits."""
    content = AbsenceContent(
        start_time=local(MONDAY, "10:00"), end_time=local(MONDAY, "11:00"), doctor_id=world.dr_shah
    )
    async with world.db.connection() as connection:
        absence = connection.transaction()
        await absence.start()
        await service.add(
            Transaction(connection), RECEPTION, clinic_id=world.clinic, content=content, force=False, now=world.now
        )
        booking = asyncio.create_task(book(world, start))
        await wait_for_lock(world.db)
        await absence.commit()
        assert getattr(await booking, "type", "booked") == outcome
    assert await uncovered_ids(world) == []


@pytest.mark.parametrize("force", [False, True])
async def test_an_absence_never_misses_a_concurrent_booking(world, force):
    for n in range(12):
        day = MONDAY + timedelta(weeks=n // 2, days=n % 2)
        await generate_slots(world, day)
        absence = asyncio.create_task(add_absence(world, "00:00", "24:00", day=day, force=force))
        await asyncio.sleep(0.002 * (n % 4))
        first, second = await asyncio.gather(
            book(world, "09:00", day=day), book(world, "10:30", day=day, customer="ben")
        )
        (result,) = await asyncio.gather(absence, return_exceptions=True)
        booked_ids = {booking.id for booking in (first, second) if not isinstance(booking, errors.Conflict)}
        assert {booking.type for booking in (first, second) if isinstance(booking, errors.Conflict)} <= {
            "outside-hours"
        }
        if isinstance(result, errors.Conflict):
            assert (force, {each.id for each in result.facts["appointments"]} <= booked_ids) == (False, True)
        else:
            assert booked_ids <= set(await stranded_ids(world))
            assert force or not booked_ids
        assert await uncovered_ids(world) == []


async def test_concurrent_generation_publishes_nothing_during_an_absence(world):
    for n in range(1, 13):
        day = MONDAY + timedelta(weeks=n)
        await asyncio.gather(
            generate_slots(world, day),
            add_absence(world, "00:00", "24:00", day=day, doctor=("dr_shah", None)[n % 2]),
            generate_slots(world, day),
        )
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]


async def test_generation_for_a_new_doctor_waits_for_an_uncommitted_closure(world):
    content = AbsenceContent(start_time=local(MONDAY, "00:00"), end_time=local(MONDAY, "24:00"))
    async with world.db.connection() as connection:
        closing = connection.transaction()
        await closing.start()
        await service.add(
            Transaction(connection), RECEPTION, clinic_id=world.clinic, content=content, force=False, now=world.now
        )
        okafor = await world.add_doctor("Dr Okafor")
        await set_weekly_hours(world, okafor, monday="09:00-12:00")
        generation = asyncio.create_task(generate_slots(world, MONDAY, doctor_id=okafor))
        await wait_for_lock(world.db)
        await closing.commit()
        await generation
    assert await list_published(world.db, okafor) == []


async def test_an_absence_waits_for_an_uncommitted_hold_expiry(world):
    """The absence starts after the hold's cancellation is written but before it commits."""
    await book(world, "10:00", hold=True)
    async with world.db.connection() as connection:
        expiry = connection.transaction()
        await expiry.start()
        await expire_holds(Transaction(connection), now=world.now + timedelta(hours=1), limit=10)
        absence = asyncio.create_task(add_absence(world, "09:00", "12:00", force=True))
        await wait_for_lock(world.db)
        await expiry.commit()
        await absence
    assert await list_published(world.db, world.dr_shah) == ["Tue 2 09:00-12:00"]
    assert await stranded_ids(world) == []


async def test_concurrent_absences_removals_and_bookings_leave_hours_consistent(world):
    async def add_and_remove(n):
        absence = await add_absence(
            world, f"{9 + n % 3:02}:00", f"{10 + n % 3}:30", force=True, doctor=("dr_shah", None)[n % 2]
        )
        await remove_absence(world, absence)

    bookings = [book(world, f"{9 + n // 2:02}:{30 * (n % 2):02}", customer=("ana", "ben")[n % 2]) for n in range(6)]
    await asyncio.gather(*(add_and_remove(n) for n in range(6)), *bookings)
    assert await uncovered_ids(world) == []
    assert await stranded_ids(world) == []
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Tue 2 09:00-12:00"]
