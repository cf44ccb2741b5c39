"""Cancelling background tasks."""

import asyncio
from typing import Any, Final

PATIENCE_SECONDS: Final = 1.0


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended.

    Cancel it again if it carries on: in Python 3.11, `asyncio.wait_for` loses a cancellation that arrives just as what
    it waits for completes.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=PATIENCE_SECONDS)
