"""What patients see when a call isn't working, and how they get into it once it is."""

import pytest

from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.appointments import create_world
from support.calls import book_online
from support.video_visits import VisitWorld


@pytest.fixture
async def visit(db, client) -> VisitWorld:
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
    return VisitWorld(db, client, world, appointment)


@pytest.mark.parametrize("state", ["dead", "ending", "ended"])
async def test_the_page_changes_by_itself_when_staff_start_the_call_again(visit, state):
    await visit.begin()
    await visit.db.execute("update call set state = $1, due_at = case $1 when 'ending' then now() end", state)
    assert 'data-fresh="10"' in await visit.get()


async def test_those_whom_the_provider_does_not_let_in_can_try_again(visit):
    await visit.begin()
    await visit.db.execute("update call set state = 'open', due_at = null, opened_at = now(), gateway = 'daily'")
    page = (await visit.press("enter")).text
    assert ("Please try again in a moment." in page, "Join the call" in page) == (True, True)
    assert "We have let the clinic know." not in page
