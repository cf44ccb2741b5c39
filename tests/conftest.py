"""A real PostgreSQL for every test: one embedded server a run, one migrated database a worker, emptied before each
test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from litestar import Litestar

from appoint.database import embedded, migrate
from appoint.database.pool import Database, connect
from appoint.server import app as application
from appoint.settings import Settings

TOKEN = "the administrator's token"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


def pytest_configure(config: pytest.Config) -> None:
    """One folder for the server of all workers. Not under pytest's own, which only we can enter: for root the server
    runs as somebody else."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="appoint-tests-")
        Path(folder).chmod(0o711)
        os.environ["APPOINT_TESTS_DIR"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server_url(worker_id: str) -> Iterator[str]:
    """An empty database of this worker's own."""
    with embedded.running(Path(os.environ["APPOINT_TESTS_DIR"]), durable=False, say=lambda _: None) as server:
        name = f"appoint_{worker_id}"

        async def create() -> None:
            connection = await asyncpg.connect(server.url)
            await connection.execute(f"create database {name}")
            await connection.close()

        asyncio.run(create())
        yield server.url.replace("/appoint?", f"/{name}?")


@pytest.fixture(scope="session")
def database_url(server_url: str) -> str:
    """The same, migrated."""
    asyncio.run(migrate.upgrade(server_url))
    return server_url


SEQUENCES = "select string_agg(format('alter sequence %I restart', sequencename), ';') from pg_sequences where schemaname = 'public' and last_value is not null"

FORGETTING = "select pg_clear_attribute_stats(schemaname, tablename, attname, inherited) from pg_stats where schemaname = 'public'"
"""What the planner has learnt of tables that are empty again: the next test's plans are those of a new database."""


@cache
def _emptying(tables: tuple[str, ...], references: tuple[tuple[str, str], ...]) -> str:
    """Statements that delete everything, what refers to other things before those."""
    before = {table: {one for one, other in references if other == table != one} for table in tables}
    return "; ".join(f'delete from "{table}"' for table in TopologicalSorter(before).static_order())


async def empty(db: Database) -> None:
    """Nothing in any table. Most are empty as it is, and `truncate` makes a new file for each: it is for what has grown
    large."""
    tables = await db.fetch(
        """
        select relname::text, pg_relation_size(oid) > 2000000 or reltuples >= 0 as large
          from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'schema_migration'
        """
    )
    if any(row.large for row in tables):
        await db.execute(f"truncate {', '.join(row[0] for row in tables)} cascade")
        await db.execute(FORGETTING)
    references = await db.fetch(
        "select a.relname::text, b.relname::text from pg_constraint join pg_class a on a.oid = conrelid join pg_class b on b.oid = confrelid"
    )
    await db.execute(_emptying(tuple(row[0] for row in tables), tuple((row[0], row[1]) for row in references)))
    if restart := await db.fetchval(SEQUENCES):
        await db.execute(restart)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    db = connect(database_url, size=80, wait_seconds=30, statement_seconds=60)
    await empty(db)
    yield db
    await db.close()


def settings(**changed: Any) -> Settings:
    usual = {"secret_key": "signs links in tests", "rate_limits": changed.get("mode") == "production"}
    return Settings(_env_file=None, **(usual | changed))  # pyright: ignore[reportCallIssue]  pydantic's own argument


@cache
def composed(database_url: str, **changed: Any) -> Litestar:
    """The application, with such settings. To compose it takes longer than most tests; what it knows, it learns anew
    whenever it starts."""
    return application.create(settings(**changed), database_url=database_url, admin_token=TOKEN)


@pytest.fixture
async def client(db: Database, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the whole application; anonymous unless a request says `headers=ADMIN`.

    Not Litestar's own, which answers one request after the other also where a test sends several at once.
    """
    app = composed(database_url)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
        ) as client,
    ):
        yield client
