"""Work that several processes share through leases: each claims due work for a limited time and runs it.

The SQL for claiming work belongs to the feature that owns the rows. If a process dies, its leases expire, so its work
is delayed but never lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final, NamedTuple, TypeVar

import structlog

from . import errors

log = structlog.get_logger()
T = TypeVar("T")

RENEWALS_PER_LEASE: Final = 3
"""More than one, so that a failed renewal does not lose the lease."""


class PollIntervals(NamedTuple):
    """The intervals at which to look for work."""

    idle_seconds: float
    busy_seconds: float
    """The interval while there is work, and for `busy_for_seconds` after it."""
    busy_for_seconds: float = 0.0


async def serve(
    stop: asyncio.Event,
    *,
    name: str,
    capacity: int,
    pace: PollIntervals,
    claim: Callable[[int], Awaitable[Sequence[T]]],
    run: Callable[[T], Awaitable[None]],
) -> None:
    """Claim and run work until `stop` is set, at most `capacity` pieces at a time, then wait for running work.

    `claim` receives the number of free places and returns at most that many pieces. Neither a failed claim nor failed
    work ends the loop: leased work can be claimed again once its lease has expired. Cancelling the loop cancels running
    work.
    """
    now = asyncio.get_running_loop().time
    running: set[asyncio.Task[None]] = set()
    busy_until = now()
    try:
        while not stop.is_set():
            finished = {task for task in running if task.done()}
            running -= finished
            room = capacity - len(running)
            claimed = await _claim(name, claim, room) if room else ()
            running |= {asyncio.create_task(_run(name, run, piece)) for piece in claimed}
            if claimed or finished:
                busy_until = now() + pace.busy_for_seconds
            busy = len(running) == capacity or now() < busy_until
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pace.busy_seconds if busy else pace.idle_seconds)
        await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _claim(name: str, claim: Callable[[int], Awaitable[Sequence[T]]], room: int) -> Sequence[T]:
    try:
        return await claim(room)
    except errors.Unavailable:  # the worker's heartbeat reports it
        pass
    except Exception:  # one failure must not end the worker
        log.exception("work not claimed", job=name)
    return ()


async def _run(name: str, run: Callable[[T], Awaitable[None]], piece: T) -> None:
    try:
        await run(piece)
    except errors.Unavailable:
        log.warning("database away", job=name)
    except Exception:  # one failure must not end the worker
        log.exception("job failed", job=name)


@asynccontextmanager
async def renewed(lease: timedelta, renew: Callable[[], Awaitable[object]]) -> AsyncGenerator[None]:
    """Renew a lease for as long as the block runs."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / RENEWALS_PER_LEASE)
            with suppress(errors.Unavailable):
                await renew()

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        task.cancel()
