from collections.abc import AsyncIterator, Iterator

import pytest

from support import cell_pairs
from support.cell_pairs import Cells, CellServer


@pytest.fixture(scope="session")
def pair() -> Iterator[tuple[CellServer, CellServer]]:
    with cell_pairs.cell_pair() as servers:
        yield servers


@pytest.fixture
async def cells(pair: tuple[CellServer, CellServer]) -> AsyncIterator[Cells]:
    for server in pair:
        await cell_pairs.reset(server, [each.cell for each in pair])
    cells = Cells(pair)
    yield cells
    for db in cells.dbs:
        await db.close()
