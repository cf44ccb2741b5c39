"""`make bench`: measures side by side, in rounds, and writes what came out to `docs/benchmarks.md`.

Only ratios are results. They are taken within a round, so that whatever else the machine does weighs on both sides alike; the rates beside them are for
orientation. `make bench ARGS='--quick'` shows in a minute that all of it works, and writes nothing.
"""

import asyncio
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import psutil
from cyclopts import App, Parameter

from appoint.database import embedded

from . import load, world
from .load import Server
from .world import FOLDER, World

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
app = App(name="benchmarks", help=__doc__)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """What is being measured on, and what has come out: a rate a round, by name."""

    def __init__(self, binaries: Path, rounds: int, seconds: float) -> None:
        self.binaries, self.rounds, self.seconds = binaries, rounds, seconds
        self.rates: dict[str, list[float]] = defaultdict(list)
        self.facts: dict[str, str] = {}

    async def bookings(self, name: str, place: World, server: Server | None, connections: int = load.CLIENTS) -> None:
        """One round of bookings, counted in the database; without a server, by the statement alone."""
        before = await place.count()
        if server:
            result = await asyncio.to_thread(load.wrk, place, server.address, "book", connections=connections, seconds=self.seconds)
        else:
            result = await asyncio.to_thread(load.pgbench, place, self.binaries, seconds=self.seconds)
        written = await place.count() - before
