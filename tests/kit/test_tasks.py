"""Cancelling background tasks."""

import asyncio

from appoint.kit import tasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.01)
    losses: list[None] = []

    async def lose_one() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if losses:
                    raise
                losses.append(None)

    task = asyncio.create_task(lose_one())
    await asyncio.sleep(0)
    await tasks.cancel(task)
    assert (task.cancelled(), len(losses)) == (True, 1)


async def test_a_task_that_has_ended_need_not_be_cancelled():
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await tasks.cancel(task)
    assert not task.cancelled()
