"""Leased work stays within its capacity, and failures do not stop it."""

import asyncio
from datetime import timedelta

import pytest

from appoint.kit import errors
from appoint.kit.leases import PollIntervals, renewed, serve

QUICK = PollIntervals(idle_seconds=0.01, busy_seconds=0.01)


class Pieces:
    """Ten pieces of work that count how many of them run at the same time."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.waiting = list(range(10))
        self.done: list[int] = []
        self.running = self.most_running = 0
        self.faults: list[Exception] = []

    async def claim(self, room: int) -> list[int]:
        if self.faults:
            raise self.faults.pop()
        claimed, self.waiting = self.waiting[:room], self.waiting[room:]
        return claimed

    async def run(self, piece: int) -> None:
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        await asyncio.sleep(0.01)
        self.running -= 1
        self.done.append(piece)
        if len(self.done) == 10:
            self.stop.set()

    async def serve(self, run=None) -> None:
        async with asyncio.timeout(30):
            await serve(self.stop, name="pieces", capacity=3, pace=QUICK, claim=self.claim, run=run or self.run)


async def test_no_more_work_runs_at_once_than_the_capacity_allows():
    pieces = Pieces()
    await pieces.serve()
    assert (sorted(pieces.done), pieces.most_running) == (list(range(10)), 3)


@pytest.mark.parametrize("fault", [errors.Unavailable(), LookupError()])
async def test_a_failed_claim_is_retried(fault):
    pieces = Pieces()
    pieces.faults = [fault]
    await pieces.serve()
    assert len(pieces.done) == 10


async def test_failed_work_does_not_stop_other_work():
    pieces = Pieces()

    async def run(piece: int) -> None:
        await pieces.run(piece)
        if piece % 2:
            raise LookupError(piece)

    await pieces.serve(run)
    assert len(pieces.done) == 10


async def test_running_work_is_finished_after_a_stop():
    pieces = Pieces()

    async def run(piece: int) -> None:
        pieces.stop.set()
        await asyncio.sleep(0.05)
        pieces.done.append(piece)

    await pieces.serve(run)
    assert pieces.done == [0, 1, 2]


async def test_cancelled_work_is_cancelled_before_the_loop_ends():
    pieces = Pieces()
    cancelled = []

    async def run(piece: int) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(piece)
            raise

    task = asyncio.create_task(pieces.serve(run))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(cancelled) == [0, 1, 2]


async def test_a_lease_is_renewed_while_its_work_runs_even_if_a_renewal_fails():
    renewals = 0

    async def renew() -> None:
        nonlocal renewals
        renewals += 1
        if renewals == 1:
            raise errors.Unavailable

    async with renewed(timedelta(seconds=0.03), renew):
        await asyncio.sleep(0.2)
    final_renewals = renewals
    await asyncio.sleep(0.05)
    assert renewals == final_renewals > 2
