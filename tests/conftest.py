"""A real PostgreSQL for every test: one embedded server per run, one database and one set of connections per worker,
emptied before each test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from appoint.database.pool import Database
from appoint.identity import passwords
from support import database, run_clock, scale
from support.app import POOLS, composed
from support.database import Pools, SharedPool

CONNECTIONS = {"wait_seconds": 30, "statement_seconds": 60}


def pytest_configure(config: pytest.Config) -> None:
    """One folder for the server of all workers. Not under pytest's own, which only we can enter: for root the server
    runs under another account."""
    scale.load_hypothesis_profile()
    run_clock.shift_this_process()
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="appoint-tests-")
        Path(folder).chmod(0o711)
        os.environ[database.SERVED_FROM] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def production_hash() -> Iterator[PasswordHash]:
    """Hash passwords at almost no cost in this process; yields what the product uses, which takes time on purpose."""
    cheap = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        product = passwords._hash
        patch.setattr(passwords, "_hash", cheap)
        yield product


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The server that all workers share, for tests with databases of their own: `support.database.temporary`."""
    with database.server() as url:
        yield url


@pytest.fixture(scope="session")
def database_url(server_url: str, worker_id: str) -> str:
    """This worker's migrated database, with the clock of the run."""
    url = asyncio.run(database.copy_template(server_url, f"appoint_{worker_id}"))
    asyncio.run(run_clock.shift_database(url))
    return url


@pytest.fixture(scope="session")
async def pools(database_url: str) -> AsyncIterator[Pools]:
    """The connections to this worker's database, opened once. As an asynchronous fixture of the session it also makes
    all tests of a worker share one event loop."""
    pools = Pools(database_url)
    POOLS.append(pools)
    yield pools
    POOLS.clear()
    await pools.disconnect()


@pytest.fixture
async def db(pools: Pools) -> Database:
    db = pools.connect(pools.url, size=16, **CONNECTIONS)
    await database.reset(db)
    return db


@pytest.fixture
async def many_connections(db: Database) -> AsyncIterator[None]:
    """`db` with a connection for each of up to 80 concurrent calls, for races."""
    assert isinstance(db, SharedPool)
    async with db.widened(80):
        yield


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
