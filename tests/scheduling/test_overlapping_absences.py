"""A doctor's absence, a clinic closure, manually removed time and a kept appointment that overlap."""

from datetime import timedelta

import pytest

from appoint.kit.cache import ClinicCache
from support.hours import generate_slots, list_published, set_weekly_hours
from support.scheduling import SUNDAY, add_absence, book, find_slot_id, remove_absence, remove_slot, weekly_world
from support.transitions import cancel
from support.world import MONDAY

TUESDAY, WEDNESDAY, THURSDAY, SATURDAY = (MONDAY + timedelta(days=days) for days in (1, 2, 3, 5))
NINE_TO_TWELVE = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday"), "09:00-12:00")


@pytest.fixture
async def world(db):
    """Dr Shah works every morning except Sunday. Thursday was removed manually, and Tuesday has an appointment."""
    async with ClinicCache(None) as cache:
        world = await weekly_world(db, cache, **NINE_TO_TWELVE)
        await remove_slot(world, await find_slot_id(world, THURSDAY, "09:00"))
        world.visit = await book(world, "10:00", day=TUESDAY)
        yield world


async def days_published(world) -> set[str]:
    return {slot.partition(" ")[0] for slot in await list_published(world.db, world.dr_shah, remnants=False)}


@pytest.mark.parametrize("doctor_returns_first", [True, False])
@pytest.mark.parametrize("changes_hours", [True, False])
async def test_time_stays_closed_while_either_absence_lasts(world, doctor_returns_first, changes_hours):
    away = await add_absence(world, "00:00", "24:00", day=MONDAY, last_day=THURSDAY, force=True)
    closed = await add_absence(world, "00:00", "24:00", day=WEDNESDAY, last_day=SATURDAY, doctor=None, force=True)
    assert await days_published(world) == set()
    first, second = (away, closed) if doctor_returns_first else (closed, away)
    await remove_absence(world, first)
    assert await days_published(world) == ({"Mon", "Tue"} if doctor_returns_first else {"Fri", "Sat"})
    if changes_hours:
        await set_weekly_hours(world, world.dr_shah, MONDAY, **NINE_TO_TWELVE)
        await generate_slots(world, MONDAY, SUNDAY)
    await remove_absence(world, second)
    assert await days_published(world) == {"Mon", "Tue", "Wed", "Fri", "Sat"}
    await generate_slots(world, MONDAY, SUNDAY)
    published = await list_published(world.db, world.dr_shah)
    assert published == [
        f"{day} {number} 09:00-12:00"
        for day, number in zip(("Mon", "Tue", "Wed", "Fri", "Sat"), (1, 2, 3, 5, 6), strict=True)
    ]


async def test_the_remnant_is_withdrawn_with_the_kept_appointment(world):
    await add_absence(world, "00:00", "24:00", day=MONDAY, last_day=THURSDAY, force=True)
    await add_absence(world, "00:00", "24:00", day=WEDNESDAY, last_day=SATURDAY, doctor=None, force=True)
    assert await list_published(world.db, world.dr_shah) == ["Tue 2 10:00-10:30"]
    await cancel(world, world.visit)
    assert await list_published(world.db, world.dr_shah) == []
