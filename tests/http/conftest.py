"""A small world, a client and a clock for HTTP tests."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx2
import pytest
from litestar import Litestar

from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.app import client_of, composed
from support.bad_requests import evening
from support.rate_limits import NINE
from support.world import World


@pytest.fixture
async def world(db) -> AsyncIterator[World]:
    """A clinic whose doctor has two published hours on a Monday evening."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        await world.publish(world.dr_shah, evening(0), evening(120))
        yield world


@pytest.fixture(scope="module")
async def api(database_url) -> AsyncIterator[httpx2.AsyncClient]:
    """A client for requests that fail whatever the database contains. The database is not emptied for these tests."""
    async with client_of(composed(database_url)) as client:
        yield client


@pytest.fixture
def app(api, database_url) -> Litestar:
    """The application behind `api`, for requests that no HTTP client would send."""
    return composed(database_url)


@pytest.fixture
def fixed_clock(monkeypatch) -> SimpleNamespace:
    """A clock that stands still. A test moves it by setting its `now`."""
    fixed = SimpleNamespace(now=NINE)
    monkeypatch.setattr(clock, "now", lambda: fixed.now)
    return fixed
