"""Hours published only for one appointment are withdrawn when it ends, for whatever reason."""

import pytest

from appoint.booking import holds, transitions
from appoint.booking.model import Status
from appoint.kit.cache import ClinicCache
from support.hours import list_published, local
from support.scheduling import add_absence, book, weekly_world
from support.transitions import cancel, step
from support.world import MONDAY

UNUSED_REMNANTS = """
select count(*) from booking_slot s
 where remnant and not exists (select from appointment a where a.active_during @> s.during)
"""
HALF_PAST_TEN = local(MONDAY, "10:30")


@pytest.fixture
async def world(db):
    """Dr Shah works on Mondays from nine to twelve."""
    async with ClinicCache(None) as cache:
        yield await weekly_world(db, cache, monday="09:00-12:00")


async def strand(world, **members):
    """Book ten o'clock, and add an absence that withdraws all other time."""
    appointment = await book(world, "10:00", **members)
    await add_absence(world, "09:00", "12:00", force=True)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 10:00-10:30"]
    return appointment


ENDS = {
    "cancel": cancel,
    "noShow": lambda world, appointment: step(world, appointment, "noShow", HALF_PAST_TEN),
    "expire": lambda world, _: holds.expire_holds(world.db, now=HALF_PAST_TEN),
}


@pytest.mark.parametrize("end", ENDS)
async def test_an_appointment_that_ends_does_not_leave_a_remnant(world, end):
    appointment = await strand(world, hold=end == "expire")
    await ENDS[end](world, appointment)
    assert await list_published(world.db, world.dr_shah) == []
    assert (await world.book(world.dr_shah, local(MONDAY, "10:00"), world.ben)).type == "outside-hours"


async def test_these_tests_cover_every_status_that_is_not_live():
    ends = {transition.target for name, transition in transitions.TRANSITIONS.items() if name in ENDS}
    assert ends == set(Status) - transitions.LIVE


async def test_an_appointment_that_is_kept_keeps_its_remnant(world):
    appointment = await strand(world)
    for name in ("arrive", "checkIn", "fulfil"):
        await step(world, appointment, name, HALF_PAST_TEN)
        assert await list_published(world.db, world.dr_shah) == ["Mon 1 10:00-10:30"]


async def test_a_no_show_who_arrives_late_gets_their_time_back(world):
    appointment = await strand(world)
    await step(world, appointment, "noShow", HALF_PAST_TEN)
    assert (await step(world, appointment, "arrive", HALF_PAST_TEN)).status == "arrived"
    assert await list_published(world.db, world.dr_shah, remnants=True) == ["Mon 1 10:00-10:30"]
    assert await world.db.fetchval(UNUSED_REMNANTS) == 0


async def test_a_no_show_within_hours_that_have_since_been_withdrawn_cannot_arrive(world):
    appointment = await book(world, "10:00")
    await step(world, appointment, "noShow", HALF_PAST_TEN)
    await add_absence(world, "09:00", "12:00")
    with pytest.raises(Exception, match="outside-hours"):
        await step(world, appointment, "arrive", HALF_PAST_TEN)


async def test_a_remnant_ends_with_an_appointment_that_is_no_longer_marked_for_rebooking(world):
    """A fulfilled appointment keeps its time during an absence, and does not need rebooking."""
    appointment = await book(world, "10:00")
    await world.db.execute("update appointment set status = 'fulfilled'")
    await add_absence(world, "09:00", "12:00")
    await world.db.execute("update appointment set status = 'arrived'")
    await cancel(world, appointment)
    assert await list_published(world.db, world.dr_shah) == []
