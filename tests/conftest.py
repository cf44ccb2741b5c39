"""A real PostgreSQL server for every test: one embedded server for the whole run, and one database and pool for each
worker. The database is emptied before each test.
"""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import httpcore2
import httpx2
import pytest
import structlog
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from appoint.database.pool import Database
from appoint.identity import passwords
from appoint.kit import clock
from support import database, run_clock, scale
from support.app import POOLS, client_of, composed
from support.commands import CommandLine
from support.database import Pools, SharedPool
from support.keys import KEY
from support.shared_routes import share_routes
from support.staff import SECRET

CONNECTIONS = {"wait_seconds": 30, "statement_seconds": 60}


def pytest_configure(config: pytest.Config) -> None:
    """Create the server's folder. If root runs the tests, the server runs as a different user, who cannot enter
    pytest's folders.
    """
    gc.disable()  # until all tests have been imported
    use_plain_tracebacks()
    scale.load_hypothesis_profile()
    run_clock.shift_this_process()
    share_routes()
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="appoint-tests-")
        Path(folder).chmod(0o711)
        os.environ[database.SERVER_FOLDER] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder))


def use_plain_tracebacks() -> None:
    """Log exceptions without variable values, because formatting these takes longer than most tests."""
    *processors, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, renderer])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Append `@group` to the ids of tests in an `xdist_group`, so that one worker runs the group.

    pytest-xdist 3.8 does this itself, but through an attribute that pytest 9.2 does not read.
    """
    if config.getoption("loadgroup", default=False):
        for item in items:
            mark = item.get_closest_marker("xdist_group")
            if mark and not item.nodeid.endswith(f"@{mark.args[0]}"):
                item._id = type(item.id).parse(f"{item.nodeid}@{mark.args[0]}")


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through modules again and again, and run it less often: with Python's
    defaults it takes a tenth of the run.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 10)
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def production_hash() -> Iterator[PasswordHash]:
    """Hash passwords cheaply in this process. Yield the product's own hash, which is slow by design."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        original = passwords._hash
        patch.setattr(passwords, "_hash", cheap)
        yield original


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """Read this machine's trusted certificates only once, instead of for each HTTP client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpcore2, "default_ssl_context", cache(httpcore2.default_ssl_context))
        yield


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The server that all workers share. `support.database.temporary` creates more databases on it."""
    with database.server() as url:
        yield url


@pytest.fixture(scope="session")
def database_url(server_url: str, worker_id: str) -> str:
    """This worker's migrated database, with the run's clock. Clinics created with SQL let strangers book without a
    code."""
    url = asyncio.run(database.copy_template(server_url, f"appoint_{worker_id}"))
    asyncio.run(run_clock.shift_database(url))
    asyncio.run(database.execute(url, "alter table clinic alter column confirm_address set default 'never'"))
    return url


@pytest.fixture(scope="session")
async def pools(database_url: str, anyio_backend: str) -> AsyncIterator[Pools]:
    """Pools for this worker's database. As an asynchronous session fixture, this also makes all the worker's tests
    share one event loop.
    """
    pools = Pools(database_url)
    POOLS.append(pools)
    yield pools
    POOLS.clear()
    await pools.disconnect()


@pytest.fixture
async def db(pools: Pools) -> Database:
    db = pools.connect(pools.url, size=16, **CONNECTIONS)
    clock.CLOCK.skew = timedelta()  # a worker in this process may have set it
    await database.reset(db)
    return db


@pytest.fixture
async def many_connections(db: Database) -> AsyncIterator[None]:
    """Let `db` open up to 80 connections, for races."""
    assert isinstance(db, SharedPool)
    async with db.widened(80):
        yield


@pytest.fixture
async def client(db: Database, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A test client for the whole application. Requests are anonymous unless they have `headers=ADMIN`."""
    async with client_of(composed(database_url)) as client:
        yield client


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, so that all of a test's requests fall within the same rate-limit window."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.fixture
def run_command(
    db: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> CommandLine:
    """Run `appoint …` on this worker's database."""
    return CommandLine(
        monkeypatch, capsys, database_url=database_url, data_dir=tmp_path, secret_key=SECRET, encryption_keys=KEY
    )
