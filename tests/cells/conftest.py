"""Two cells that a module's tests share, and a clinic in one of them."""

from collections.abc import AsyncIterator

import pytest

from support.cells import TwoCells, open_monday, two_cells
from support.world import create_clinic, create_doctor


@pytest.fixture(scope="module")
async def cells(server_url: str, pools) -> AsyncIterator[TwoCells]:
    async with two_cells(server_url, "cells") as cells:
        yield cells


@pytest.fixture(scope="module")
async def harbor(cells) -> int:
    """A clinic in the north, which the south knows."""
    clinic_id = await create_clinic(cells.north.client, name="Harbor", slug="harbor")
    await cells.follow()
    return clinic_id


@pytest.fixture(scope="module")
async def dr_shah(cells, harbor) -> str:
    """A doctor at the clinic in the north, with hours on Mondays."""
    doctor_id = await create_doctor(cells.north.client, harbor)
    await open_monday(cells.north.client, doctor_id, "09:00-17:00")
    return doctor_id


@pytest.fixture
def requests(cells) -> list:
    """The requests between the cells during a test."""
    cells.network.requests.clear()
    return cells.network.requests
