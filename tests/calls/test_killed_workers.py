"""Worker processes that are killed in the middle of their work leave exactly one room for each call."""

import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from appoint.calls.providers.daily import API
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.transport import Request
from appoint.calls.rooms import orphans
from support import call_worker
from support.call_providers import DAILY, FakeDaily
from support.calls import SECRET, book_many, cancel, live_rooms, relay_calls, use_provider
from support.processes import eventually_async
from support.scale import scaled

BOOKINGS = scaled(1000, 40)
KILLS = scaled(50, 3)
SERVER_SECONDS = 0.01
"""How long the provider waits before and after it acts, so that workers die in between."""


class Handler(BaseHTTPRequestHandler):
    """Passes requests on to the account in `server.daily`. Closes the connection if the account does not respond."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the worker has been killed
            self.close_connection = True

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, API + self.path, {"Authorization": self.headers["Authorization"]}, body)
        time.sleep(SERVER_SECONDS)
        try:
            answer = asyncio.run(self.server.daily(request))
        except ProviderFailure:
            self.close_connection = True
            return
        time.sleep(SERVER_SECONDS)
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_DELETE = _respond  # noqa: N815  the library's names

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[tuple[FakeDaily, int]]:
    """An account at Daily, and the port where it can be reached."""
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daily = FakeDaily(failure_rate=0.2)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.daily, server.server_port
        server.shutdown()
        thread.join()


@asynccontextmanager
async def worker(url: str, port: int, now: datetime) -> AsyncIterator[None]:
    """Run a worker process, and kill it at the end."""
    folder = Path(call_worker.__file__).parents[1]
    command = [sys.executable, "-m", "support.call_worker", url, str(port), now.isoformat()]
    with subprocess.Popen(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}) as process:
        try:
            yield
        finally:
            process.kill()


async def make_all_due(world) -> None:
    """Let leases expire and retries become due, as if time had passed."""
    await world.db.execute("update call_token set free_at = clock_timestamp()")
    await world.db.execute(
        "update call set leased_until = null, due_at = least(due_at, $1) where due_at is not null", world.now
    )


async def test_killed_workers_leave_exactly_one_room_each(world, database_url, provider):
    (daily, port), dice = provider, random.Random(3)
    await use_provider(world, "daily", DAILY)
    appointments = await book_many(world, BOOKINGS, dice)
    await relay_calls(world)
    for number in range(KILLS):
        before = len(daily.requests)
        async with worker(database_url, port, world.now):
            await eventually_async(lambda before=before: answered(daily, before))
            await asyncio.sleep(dice.random() * 10 * SERVER_SECONDS)
        await make_all_due(world)
        if number == KILLS // 2:
            for appointment in dice.sample(appointments, BOOKINGS // 10):
                await cancel(world, appointment)
            await relay_calls(world)
    daily.failure_rate = 0.0
    async with worker(database_url, port, world.now):
        await eventually_async(lambda: is_done(world))
    await orphans.remove_all(world.db, Providers("", SECRET, None, daily), now=world.now)
    assert set(daily.rooms) == await live_rooms(world)
    assert len(daily.rooms) == BOOKINGS - BOOKINGS // 10
    assert set(daily.made.values()) == {1}


async def answered(daily: FakeDaily, before: int) -> bool:
    return len(daily.requests) > before


async def is_done(world) -> bool:
    """Return whether no call waits for a worker. Retries become due at once."""
    await world.db.execute("update call set due_at = $1 where due_at > $1", world.now)
    return not await world.db.fetchval("select exists (select from call where due_at is not null)")
