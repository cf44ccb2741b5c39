"""A world for video visits."""

from collections.abc import AsyncIterator

import pytest

from appoint.kit.cache import ClinicCache
from support.world import World


@pytest.fixture
async def world(db) -> AsyncIterator[World]:
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)
