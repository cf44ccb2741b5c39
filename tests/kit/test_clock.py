"""The clock that follows the database's."""

import asyncio
from datetime import UTC, datetime, timedelta

from appoint.database import upkeep
from appoint.kit import clock, errors
from appoint.kit.clock import Clock
from appoint.server import timekeeping


def test_a_clock_starts_with_the_machines_time():
    before = datetime.now(UTC)
    assert before <= Clock().now() <= datetime.now(UTC)


def test_once_set_a_clock_ignores_the_machines_time():
    seconds = 100.0
    own = Clock(lambda: seconds)
    own.set(datetime(2031, 5, 1, 9, 0, tzinfo=UTC))
    seconds = 107.5
    assert own.now() == datetime(2031, 5, 1, 9, 0, 7, 500_000, tzinfo=UTC)


def test_a_clock_knows_how_far_the_machine_is_ahead():
    own = Clock()
    own.set(datetime.now(UTC) - timedelta(hours=1))
    assert timedelta(minutes=59, seconds=59) < own.skew < timedelta(hours=1, seconds=1)


async def test_a_process_takes_its_time_from_the_database(db, monkeypatch):
    own = Clock()
    monkeypatch.setattr(clock, "CLOCK", own)
    await timekeeping.wait_for_clock(db, asyncio.Event())
    assert abs(own.now() - await upkeep.read_clock(db)) < timedelta(seconds=1)


async def test_a_worker_waits_for_the_database_to_set_its_clock(monkeypatch):
    instants = iter([errors.Unavailable(), datetime(2031, 5, 1, tzinfo=UTC)])

    async def read_clock(db: object) -> datetime:
        if isinstance(instant := next(instants), Exception):
            raise instant
        return instant

    own = Clock(lambda: 0.0)
    monkeypatch.setattr(clock, "CLOCK", own)
    monkeypatch.setattr(upkeep, "read_clock", read_clock)
    monkeypatch.setattr(timekeeping, "RETRY_SECONDS", 0.0)
    await timekeeping.wait_for_clock(None, asyncio.Event())  # pyright: ignore[reportArgumentType]
    assert own.now() == datetime(2031, 5, 1, tzinfo=UTC)
