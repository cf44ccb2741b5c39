"""Valid rows, and data directories for embedded servers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from appoint.database import embedded
from support.constraint_rows import ROWS
from support.embedded_servers import folder, query
from support.money_constraint_rows import MONEY_ROWS
from support.sign_in_constraint_cases import SIGN_IN_ROWS


@pytest.fixture
async def rows(db) -> AsyncIterator:
    """A connection with an open transaction that contains the rows from `support.constraint_rows`."""
    async with db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"{ROWS}; {SIGN_IN_ROWS}; {MONEY_ROWS}; set constraints all immediate")
        yield connection
        await transaction.rollback()


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    """A data directory with a database, but no running server."""
    with folder() as path:
        with embedded.running(path / "data", durable=False) as server:
            query(server.url, "create table booked (n integer primary key)")
        yield path / "data"


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty folder that other accounts can reach."""
    with folder() as path:
        yield path
