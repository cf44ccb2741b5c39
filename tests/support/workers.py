"""A worker beside a test."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from appoint.kit import errors
from appoint.server import worker
from appoint.settings import Settings
from support.app import settings


@asynccontextmanager
async def working(url: str, with_settings: Settings | None = None, *, patience: int = 20) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(with_settings or settings(shutdown_seconds=patience), url, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def patiently(question: Callable[[], Awaitable[object]]) -> object:
    for _ in range(4800):
        try:
            if answer := await question():
                return answer
        except errors.Unavailable:
            pass
        await asyncio.sleep(0.025)
    raise AssertionError("it never came about")
