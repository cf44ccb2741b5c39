"""The worker: what happens without anybody asking. It composes; what is done lies in the features' `jobs.py`.

Any number may run at once. What is due every few seconds is done by each, in statements that do not mind company. What is due every night is put into
PgQueuer's queue by one of them, done by one of them, tried again when it fails, and kept as failed when it goes on failing.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final

import asyncpg
import structlog
from pgqueuer import PgQueuer, models
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.queries import Queries

from . import clock, errors
from .appointments.service import expire_holds
from .database import queue, upkeep
from .database.pool import AWAY, Database, connect
from .settings import Settings
from .slots.jobs import nightly
from .web.repository import forget_requests

log = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 2.0
JOB_SECONDS: Final = 600.0
KEYS_LAST: Final = timedelta(hours=24)
PATIENTLY: Final = partial(DatabaseRetryEntrypointExecutor, max_attempts=8, initial_delay=timedelta(seconds=10))
"""Over about twenty minutes; then the job is kept as failed."""

Job = Callable[[Database], Awaitable[object]]
OFTEN: Final[dict[str, tuple[float, Job]]] = {
    "expire-holds": (2.0, lambda db: expire_holds(db, now=clock.now())),
}
"""Name, seconds between, and what."""
NIGHTLY: Final[dict[str, tuple[str, Job]]] = {
    "publish-slots": ("15 0 * * *", lambda db: nightly(db, now=clock.now())),
    "forget-requests": ("45 0 * * *", lambda db: forget_requests(db, before=clock.now() - KEYS_LAST)),
}
"""Name, when (cron, in UTC), and what. Each may run twice, and may be late."""


async def run(settings: Settings, database_url: str, stop: asyncio.Event) -> None:
    """Work until `stop`. A database that goes away is waited for. What runs at the end has `shutdown_seconds` to finish; then it is undone, and done later."""
    worker = f"{socket.gethostname()}/{os.getpid()}"
    db = connect(database_url, size=4, wait_seconds=settings.pool_timeout_seconds, statement_seconds=JOB_SECONDS)
    tasks = [
        asyncio.create_task(_often(stop, HEARTBEAT_SECONDS, "heartbeat", partial(upkeep.beat, db, worker=worker))),
        *(asyncio.create_task(_often(stop, seconds, name, partial(job, db))) for name, (seconds, job) in OFTEN.items()),
        asyncio.create_task(_queue(stop, db, database_url)),
    ]
    try:
        await stop.wait()
        await asyncio.wait(tasks, timeout=settings.shutdown_seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(errors.Unavailable):
            await upkeep.leave(db, worker=worker)
        await db.close()


def beside(settings: Settings, database_url: str) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """The worker in a server's process, for as long as the server runs."""

    @asynccontextmanager
    async def working(_: object) -> AsyncGenerator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(run(settings, database_url, stop), name="worker")
        try:
            yield
        finally:
            stop.set()
            await task

    return working


async def _often(stop: asyncio.Event, seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
    """The job again and again, whatever becomes of it."""
    well = True
    while not stop.is_set():
        try:
            await job()
            well = True
        except errors.Unavailable:
            if well:
                log.warning("database away", job=name)
            well = False
        except Exception:  # one fault must not end the worker
            log.exception("job failed", job=name)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


async def _queue(stop: asyncio.Event, db: Database, database_url: str) -> None:
    """PgQueuer, on a connection of its own, and on another one when that is lost."""
    while not stop.is_set():
        try:
            connection = await asyncpg.connect(database_url, timeout=10, command_timeout=30, server_settings={"application_name": "appoint worker"})
            try:
                await _drive(stop, db, connection)
            finally:
                await connection.close(timeout=5)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("queue lost its connection", error=type(error).__name__)
        except Exception:  # one fault must not end the worker
            log.exception("queue failed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)


async def _drive(stop: asyncio.Event, db: Database, connection: Any) -> None:
    queries = queue.queries(connection)
    pgq = PgQueuer(queries.driver, queries=queries)
    for name, (when, job) in NIGHTLY.items():
        _register(pgq, queries, name, when, partial(job, db))
    running = asyncio.create_task(pgq.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        pgq.shutdown.set()
        await running  # jobs that have begun end
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.wait({running})


def _register(pgq: PgQueuer, queries: Queries, name: str, when: str, job: Callable[[], Awaitable[object]]) -> None:
    """When it is due, one worker puts the job into the queue, from which a failed one is taken again."""

    async def enqueue(_: models.Schedule) -> None:
        await queries.enqueue(name, None, dedupe_key=name, on_conflict="skip")

    async def perform(_: models.Job) -> None:
        try:
            await job()
        except asyncio.CancelledError:
            raise RetryRequested(reason="the worker had to stop") from None
        except Exception:
            log.exception("job failed", job=name)
            raise
        log.info("job done", job=name)

    pgq.schedule(name, when, accepts_context=False)(enqueue)
    pgq.entrypoint(name, concurrency_limit=1, on_failure="hold", accepts_context=False, executor_factory=PATIENTLY)(perform)
