"""Open connections, and notice soon when the database has gone away.

A URL can name several hosts, of which one at a time is the primary: `host1:5432,host2:5432`, with
`target_session_attrs=read-write`. All of them are tried at once, because a host that has lost its power does not refuse
connections, but leaves them waiting.
"""

import asyncio
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg

from ..kit import errors
from .rows import Row

PROBE_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 10
"""How long what was sent may stay unacknowledged before a connection counts as lost. Without a limit, the kernel keeps
trying for a quarter of an hour."""
IDLE_SECONDS: Final = 10
KEEPALIVE_SECONDS: Final = 5
MAX_KEEPALIVES: Final = 2
ROLLBACK_SECONDS: Final = 5.0
LOST: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""What a statement raises if its connection has been lost, or if there is no database to connect to. `TimeoutError` is
an `OSError`."""


AWAY: Final = (*LOST, asyncpg.ReadOnlySQLTransactionError)
"""What a statement raises if its connection is of no use: also when the server is no longer the primary."""


Open = Callable[[], Awaitable[Any]]


class Connector:
    """Opens connections to one database.

    While the database is down, one caller a second tries to connect, and all others fail at once: requests that cannot
    succeed must not wait for a place in the pool.
    """

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect: Final = connect
        self._is_away = self._is_trying = False
        self._next_try = 0.0

    async def open(self) -> Any:
        """Return a new connection. Raise `Unavailable` without trying if the database was down less than a second ago,
        or while another caller tries.
        """
        if self._is_away and (self._is_trying or time.monotonic() < self._next_try):
            raise errors.Unavailable
        self._is_trying = True
        try:
            connection = await self._connect()
        except LOST:
            self._is_away, self._next_try = True, time.monotonic() + PROBE_SECONDS
            raise
        finally:
            self._is_trying = False
        self._is_away = False
        limit_silence(connection)
        return connection


def urls_of_hosts(url: str) -> list[str]:
    """Return a URL for each host that the URL names."""
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{account}{at}{host}")) for host in hosts.split(",")]


async def connect_to_any(url: str, **options: Any) -> Any:
    """Return a connection to the first host that responds and is what the URL asks for, such as the primary. If there
    is none, raise what the last host to fail has raised.
    """
    urls = urls_of_hosts(url)
    if len(urls) == 1:
        return await asyncpg.connect(url, **options)
    attempts = {asyncio.create_task(asyncpg.connect(each, **options)) for each in urls}
    try:
        while True:
            done, attempts = await asyncio.wait(attempts, return_when=asyncio.FIRST_COMPLETED)
            connections = [each.result() for each in done if not each.exception()]
            for surplus in connections[1:]:
                surplus.terminate()
            if connections:
                return connections[0]
            if not attempts:
                return done.pop().result()
    finally:
        for each in attempts:
            each.add_done_callback(_close)
            each.cancel()


def _close(attempt: "asyncio.Task[Any]") -> None:
    """Close a connection that is not needed, if there is one."""
    if not attempt.cancelled() and not attempt.exception():
        attempt.result().terminate()


def limit_silence(connection: Any) -> None:
    """Close the connection soon after the other side has gone silent, such as a server that has lost its power, or a
    firewall that has forgotten the connection. The kernel then reports it as lost.
    """
    transport = connection._transport  # noqa: SLF001  asyncpg does not offer these options
    descriptor = transport.get_extra_info("socket")
    with socket.socket(fileno=os.dup(descriptor.fileno())) as copy:  # uvloop's own object does not set options
        if copy.family == socket.AF_UNIX:
            return
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if sys.platform == "linux":
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_SECONDS)
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, MAX_KEEPALIVES)
            copy.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_SECONDS * 1000)


def opening(
    url: str,
    *,
    role: str | None,
    wait_seconds: float,
    statement_seconds: float,
    lock_seconds: float,
    prepares: bool = True,
) -> Open:
    """Return a function that opens a connection whose session has these timeouts and acts as the role, or as the login
    if there is none. The URL can choose how statements are planned, with `?plan_cache_mode=…`."""
    settings = session_settings(role, statement_seconds, lock_seconds)
    if "plan_cache_mode" in parse_qs(urlsplit(url).query):
        del settings["plan_cache_mode"]
    return partial(
        connect_to_any,
        url,
        record_class=Row,
        timeout=wait_seconds,
        command_timeout=statement_seconds + 5,
        statement_cache_size=400 if prepares else 0,
        max_cached_statement_lifetime=0,  # otherwise each is prepared again every five minutes
        server_settings=settings,
    )


def pooled_opening(url: str, *, wait_seconds: float, statement_seconds: float, prepares: bool) -> Open:
    """Return a function that opens a connection through a pooler, whose session has no settings of its own.

    Without prepared statements, each statement takes two messages, which only a transaction keeps on one session.
    """
    return partial(
        connect_to_any,
        url,
        record_class=Row,
        timeout=wait_seconds,
        command_timeout=statement_seconds + 5,
        statement_cache_size=400 if prepares else 0,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": "appoint"},
    )


def session_settings(role: str | None, statement_seconds: float, lock_seconds: float) -> dict[str, str]:
    """Return the settings of a session."""
    statement, lock = (str(int(seconds * 1000)) for seconds in (statement_seconds, lock_seconds))
    return {
        "application_name": "appoint",
        "timezone": "UTC",
        "statement_timeout": statement,
        "lock_timeout": lock,
        "idle_in_transaction_session_timeout": statement,
        "jit": "off",
        "plan_cache_mode": "force_generic_plan",
        **({"role": role} if role else {}),
    }


async def roll_back(connection: Any) -> None:
    """Roll back, or close a connection that does not respond: PostgreSQL then rolls back by itself."""
    try:
        async with asyncio.timeout(ROLLBACK_SECONDS):
            await connection.execute("rollback")
    except (*LOST, asyncpg.PostgresError):
        connection.terminate()
