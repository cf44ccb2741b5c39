"""A clinic's notice and horizon for bookings do not apply to its staff, but responses note what they did not follow."""

from datetime import timedelta

import pytest

from appoint.booking.policy import Advisory
from appoint.booking.time_rules import Override
from appoint.kit.cache import ClinicCache
from support.world import MONDAY, World, at

REASON = "Ana is in pain"


@pytest.fixture
async def world(db):
    """Dr Shah works from eight to four on Monday. It is six o'clock; patients must book a day ahead."""
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache, min_notice_minutes=24 * 60, horizon_days=3)


async def book(world, start, customer, *, allow=()):
    override = Override(allow=list(allow), reason=REASON) if allow else None
    return await world.book(world.dr_shah, start, customer, override=override)


async def test_notice_and_horizon_do_not_apply_to_staff_but_are_noted(world):
    without_a_reason = await book(world, at(9), world.ben)
    assert (without_a_reason.overrides, without_a_reason.advisories) == ([], [Advisory("too-soon", 24 * 60)])
    far = at(9, day=MONDAY + timedelta(days=100))
    await world.publish(world.dr_shah, far, far + timedelta(hours=1))
    assert (await book(world, far, world.ana)).advisories == [Advisory("too-far", 3 * 24 * 60)]


async def test_a_reason_for_ignoring_notice_and_horizon_is_recorded(world):
    soon = await book(world, at(9), world.ana, allow=["too-soon"])
    assert (soon.overrides, soon.override_reason) == (["too-soon"], REASON)
    far = at(9, day=MONDAY + timedelta(days=200))
    assert (await book(world, far, world.ana, allow=["too-soon"])).type == "outside-hours"
    assert (await book(world, far, world.ana, allow=["too-far", "outside-hours"])).overrides == [
        "too-far",
        "outside-hours",
    ]


async def test_staff_are_offered_alternatives_within_the_notice_period(world):
    await book(world, at(9), world.ana)
    refusal = await book(world, at(9), world.ben)
    assert refusal.type == "taken"
    assert at(9, 30) in [offer.start_time for offer in refusal.facts["alternatives"]]
