"""A worker that runs in the test's process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from appoint.server import worker
from appoint.settings import Settings
from support.app import settings


@asynccontextmanager
async def running_worker(
    url: str, with_settings: Settings | None = None, *, shutdown_seconds: int = 20
) -> AsyncGenerator[None]:
    """Run a worker on the database, and stop it at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(with_settings or settings(shutdown_seconds=shutdown_seconds), url, stop))
    try:
        yield
    finally:
        stop.set()
        await task
