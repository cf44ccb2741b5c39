"""Keep this process's clock at the database's time, so that all processes agree whatever their machines' clocks say."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from ..database import upkeep
from ..database.pool import Statements
from ..kit import clock, errors

log = structlog.get_logger()

SECONDS: Final = 10.0
"""How often to set the clock again."""
RETRY_SECONDS: Final = 1.0


async def set_clock(db: Statements) -> None:
    clock.CLOCK.set(await upkeep.read_clock(db))


async def wait_for_clock(db: Statements, stop: asyncio.Event) -> None:
    """Set the clock, waiting for the database if necessary, or until `stop` is set."""
    while not stop.is_set():
        with suppress(errors.Unavailable):
            return await set_clock(db)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
    return None


@asynccontextmanager
async def following(db: Statements) -> AsyncGenerator[None]:
    """Set the clock repeatedly while the block runs. Until it has been set, the machine's clock counts."""

    async def repeat() -> None:
        while True:
            with suppress(errors.Unavailable):
                await set_clock(db)
            await asyncio.sleep(SECONDS)

    task = asyncio.create_task(repeat(), name="clock")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
