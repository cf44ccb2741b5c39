"""A test run's clock. It starts at a fixed time and ticks, so results do not depend on when tests run.

This process, this worker's database and processes on that database use this clock. Other databases and processes use
the real clock.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import asyncpg

from appoint.kit import clock

START: Final = datetime.fromisoformat(os.environ.get("APPOINT_TESTS_NOW", "2027-01-12T10:00:00Z")).astimezone(UTC)
"""By default, a Tuesday two months away from the nearest clock change."""
SHIFT: Final = START - datetime.now(UTC)
SHIFTED_DATABASES: Final[set[str]] = set()
"""URLs of the databases that use this clock."""
SUPPORT: Final = Path(__file__).parent


def now() -> datetime:
    return datetime.now(UTC) + SHIFT


def shift_this_process() -> None:
    """Replace `clock.now`. Call this before any test is imported, because some modules keep a reference to it."""
    clock.now = now


async def shift_database(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "select set_config('testing.shift_seconds', $1, false)", str(SHIFT / timedelta(seconds=1))
        )
        await connection.execute((SUPPORT / "shift_clock.sql").read_text())
    finally:
        await connection.close()
    SHIFTED_DATABASES.add(url)


def environment(database_url: str | None) -> dict[str, str]:
    """Return the environment variables that give a process its database's clock."""
    if database_url not in SHIFTED_DATABASES:
        return {}
    return {"PYTHONPATH": str(SUPPORT / "startup"), "APPOINT_TESTS_SHIFT": str(SHIFT / timedelta(seconds=1))}
