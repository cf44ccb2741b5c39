"""Work that several processes share by leases: each claims what is due for a limited time, and runs what it claimed.

The SQL of a claim belongs to the feature that owns the rows. A process that dies leaves its leases to run out, so its
work is delayed and never lost.
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

RENEWALS: Final = 3
"""Renewals in the time of one lease, so that one that fails does no harm."""


class Pace(NamedTuple):
    """How often to look for work."""

    idle_seconds: float
    busy_seconds: float
    """Between claims while there is work, and for `busy_for_seconds` after the last of it."""
    busy_for_seconds: float = 0.0


async def serve(
    stop: asyncio.Event,
    *,
    name: str,
    capacity: int,
    pace: Pace,
    claim: Callable[[int], Awaitable[Sequence[T]]],
    run: Callable[[T], Awaitable[None]],
) -> None:
    """Claim and run work until `stop`, at most `capacity` pieces at a time, then wait for what is running.

    `claim` receives the number of free places and returns at most as many pieces. Neither a failed claim nor failed work ends the loop: what was
    leased can be claimed again when its lease has run out. When this is cancelled, so is what is running.
    """
    now = asyncio.get_running_loop().time
    running: set[asyncio.Task[None]] = set()
    busy_until = now()
    try:
        while not stop.is_set():
            ended = {task for task in running if task.done()}
            running -= ended
            room = capacity - len(running)
            claimed = await _claim(name, claim, room) if room else ()
            running |= {asyncio.create_task(_run(name, run, piece)) for piece in claimed}
            if claimed or ended:
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
    except Exception:  # one fault must not end the worker
        log.exception("work not claimed", job=name)
    return ()


async def _run(name: str, run: Callable[[T], Awaitable[None]], piece: T) -> None:
    try:
        await run(piece)
    except errors.Unavailable:
        log.warning("database away", job=name)
    except Exception:  # one fault must not end the worker
        log.exception("job failed", job=name)


@asynccontextmanager
async def renewed(lease: timedelta, renew: Callable[[], Awaitable[object]]) -> AsyncGenerator[None]:
    """Renew a lease for as long as the block runs."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / RENEWALS)
            with suppress(errors.Unavailable):
                await renew()

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        task.cancel()
