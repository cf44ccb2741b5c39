"""A clinic that takes money."""

import pytest

from support.money import Till


@pytest.fixture
async def till(db) -> Till:
    return await Till.make(db)
