"""The pool when the database, a connection or a row is unavailable."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from appoint.database import connector
from appoint.database.connector import Connector, roll_back
from appoint.database.pool import Database, connect
from appoint.database.retries import with_retries
from appoint.database.shares import CLINIC, Share, Shares
from appoint.kit import errors


class FakeConnection:
    """A connection whose statements raise an error, if there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.terminated = False

    async def fetchval(self, sql: str, *args: object) -> str:
        if self.error:
            raise self.error
        return "ok"

    async def execute(self, sql: str) -> None:
        await asyncio.Event().wait()

    def terminate(self) -> None:
        self.terminated = True

    async def close(self) -> None:
        await asyncio.Event().wait()

    def is_closed(self) -> bool:
        return self.terminated

    def is_in_transaction(self) -> bool:
        return False


@pytest.fixture
def opened(monkeypatch) -> list[Any]:
    """The fake connections that a pool opens, in order; an exception in the list fails that attempt to connect."""
    monkeypatch.setattr(connector, "limit_silence", lambda connection: None)
    return []


def pool_of(connections: list[Any], *, size: int = 3) -> Database:
    CLINIC.set(None)  # earlier tests in this process may have served a clinic's requests
    remaining = iter(connections)

    async def open_next() -> Any:
        connection = next(remaining)
        if isinstance(connection, Exception):
            raise connection
        return connection

    return Database(open_next, size=size, wait_seconds=0.05)


async def test_what_ends_one_connection_ends_the_idle_ones_too(opened):
    dead = [FakeConnection() for _ in range(3)]
    db = pool_of([*dead, FakeConnection()])
    async with db.connection(), db.connection(), db.connection():
        pass
    for connection in dead:
        connection.error = asyncpg.ConnectionDoesNotExistError("gone")
    with pytest.raises(errors.Unavailable):
        await db.fetchval("select 1")
    assert [connection.terminated for connection in dead] == [True, True, True]
    assert await db.fetchval("select 1") == "ok"


async def test_a_refused_statement_leaves_connections_open(opened):
    connection = FakeConnection(asyncpg.UniqueViolationError("taken"))
    db = pool_of([connection])
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.fetchval("select 1")
    assert not connection.terminated


async def test_while_the_database_is_away_one_caller_a_second_tries(monkeypatch, opened):
    attempts = 0

    async def fail() -> None:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(0.01)
        raise OSError("no route")

    away = Connector(fail)
    with pytest.raises(OSError, match="no route"):
        await away.open()
    for _ in range(5):
        with pytest.raises(errors.Unavailable):
            await away.open()
    assert attempts == 1
    monkeypatch.setattr(away, "_next_try", 0.0)
    results = await asyncio.gather(*(away.open() for _ in range(5)), return_exceptions=True)
    assert (attempts, [type(result) for result in results].count(errors.Unavailable)) == (2, 4)


async def test_connections_are_opened_again_once_the_database_is_back(monkeypatch, opened):
    db = pool_of([OSError("refused"), FakeConnection(), FakeConnection()])
    with pytest.raises(errors.Unavailable):
        await db.fetchval("select 1")
    with pytest.raises(errors.Unavailable):
        await db.fetchval("select 1")
    monkeypatch.setattr(db.connector, "_next_try", 0.0)
    assert [await db.fetchval("select 1"), await db.fetchval("select 1")] == ["ok", "ok"]


async def test_closing_does_not_wait_for_connections_that_have_gone_silent(opened):
    idle, used = FakeConnection(), FakeConnection()
    db = pool_of([idle, used])
    async with db.connection(), asyncio.timeout(1), db.connection():
        await db.close()
    assert (idle.terminated, used.terminated) == (True, True)


async def test_a_rollback_that_gets_no_response_closes_the_connection(monkeypatch):
    monkeypatch.setattr(connector, "ROLLBACK_SECONDS", 0.01)
    connection = FakeConnection()
    await roll_back(connection)
    assert connection.terminated


@pytest.mark.parametrize(
    "error", [asyncpg.DiskFullError, asyncpg.OutOfMemoryError, asyncpg.PostgresIOError, asyncpg.LockNotAvailableError]
)
async def test_a_lack_of_resources_is_reported_as_unavailable(error):
    async def fail() -> None:
        raise error("no space left")

    with pytest.raises(errors.Unavailable):
        await with_retries(fail)


@dataclass
class OverTcp:
    _transport: asyncio.BaseTransport


async def test_the_kernel_closes_connections_that_have_gone_silent():
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    _, writer = await asyncio.open_connection(host, port)
    connector.limit_silence(OverTcp(writer.transport))
    client: socket.socket = writer.get_extra_info("socket")
    assert [
        client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
        client.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    ] == [1, 10_000, 10]
    writer.close()
    server.close()


async def test_a_lock_that_is_not_released_is_unavailable_and_leaves_other_clinics_their_share(db, database_url):
    pool = connect(database_url, size=5, wait_seconds=5, statement_seconds=30, lock_seconds=0.3)

    async def wait_for_lock() -> None:
        CLINIC.set(1)
        with pytest.raises(errors.Unavailable):
            await pool.fetchval("select pg_advisory_lock(4711)")

    async with db.connection() as other, other.transaction():
        await other.execute("select pg_advisory_xact_lock(4711)")
        waiting = [asyncio.create_task(wait_for_lock()) for _ in range(8)]
        while pool.waiting < 4:
            await asyncio.sleep(0.01)
        CLINIC.set(2)
        assert await pool.fetchval("select 1") == 1
        assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)
    await pool.close()


STAFF, PATIENT, OTHERS, NO_CLINIC = Share(1), Share(1, is_visitor=True), Share(2), Share(None)


@pytest.mark.parametrize(("share", "places"), [(STAFF, 8), (PATIENT, 6)])
async def test_a_clinic_leaves_one_fifth_of_the_pool_to_others_and_its_patients_leave_a_quarter_of_that_to_staff(
    share, places
):
    shares = Shares(10)
    for _ in range(places):
        await shares.acquire(share)
    full = [each for each in (STAFF, PATIENT, OTHERS, NO_CLINIC) if shares.is_full(each)]
    assert full == ([STAFF, PATIENT] if share == STAFF else [PATIENT])
    waiter = asyncio.create_task(shares.acquire(share))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    for _ in range(places):
        shares.release(share)
    assert (shares.is_full(share), shares._semaphores) == (False, {})


async def test_a_patient_who_stops_waiting_for_the_clinics_share_leaves_both():
    shares = Shares(10)
    for _ in range(8):
        await shares.acquire(STAFF)
    waiter = asyncio.create_task(shares.acquire(PATIENT))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    for _ in range(8):
        shares.release(STAFF)
    assert shares._semaphores == {}


def test_a_url_with_several_hosts_names_each_of_them():
    assert connector.urls_of_hosts("postgresql://a:b@one:1,two:2/appoint?target_session_attrs=read-write") == [
        "postgresql://a:b@one:1/appoint?target_session_attrs=read-write",
        "postgresql://a:b@two:2/appoint?target_session_attrs=read-write",
    ]
    assert connector.urls_of_hosts("postgresql://a@/appoint?host=%2Ftmp") == ["postgresql://a@/appoint?host=%2Ftmp"]
