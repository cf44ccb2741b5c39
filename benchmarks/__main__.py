"""Compare rates side by side, in rounds, and write the report to `docs/benchmarks.md`."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import cyclopts

from appoint.database import embedded

from . import load, outbox, world
from .bench import Bench, Place, require_wrk, say
from .report import report
from .world import FOLDER, World

REPORT = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PARTS = "abcdefghijklmn"


def main(*, only: str = PARTS, quick: bool = False, ten_million: bool = False, rounds: int = 5) -> None:
    """Run the benchmarks. The first run creates the data sets in `.bench/`, which takes several minutes for a million
    appointments.

    Parameters
    ----------
    only
        Letters of the parts to run, such as b,f. Prints the report instead of writing it.
    quick
        Check within a minute that everything works, on small data sets. Prints the report instead of writing it.
    ten_million
        Also measure growth to ten million appointments.
    rounds
        Number of rounds for each part.
    """
    require_wrk()
    asyncio.run(run(set(only) & set(PARTS), quick=quick, ten_million=ten_million, rounds=1 if quick else rounds))


async def run(parts: set[str], *, quick: bool, ten_million: bool, rounds: int) -> None:
    sizes = [10_000, 100_000] if quick else [10_000, 1_000_000, *([10_000_000] if ten_million else [])]
    with embedded.running(FOLDER, say=say) as postgres:
        bench = Bench(postgres.binaries, rounds=rounds, seconds=1 if quick else 4)
        async with AsyncExitStack() as stack:

            async def start(data: World, **settings) -> Place:
                server = stack.enter_context(load.serving(data, **settings))
                place = Place(data, server, server.memory())
                for kind in ("day", "book"):  # fill caches
                    load.wrk(data, server.address, kind, connections=load.CLIENTS, seconds=1 if quick else 2)
                return place

            worlds = {
                size: await stack.enter_async_context(world.copy_of(postgres.url, size, say))
                for size in sizes
                if size == sizes[1] or "f" in parts
            }
            main_world = worlds[sizes[1]]
            main_place, two = await start(main_world), await start(main_world, workers=2)
            fresh = {  # a small data set would have more repeated requests
                size: await start(each, APPOINT_AVAILABILITY_SECONDS="0")
                for size, each in worlds.items()
                if parts & set("cdf")
            }
            if parts & set("kn"):
                await bench.gathered(main_place, await start(main_world, gathers=False))
            await measure(bench, parts, fresh, main_place, two, quick=quick)
    text = report(bench, main_world)
    if quick or parts != set(PARTS):
        print(text)
    else:
        REPORT.write_text(text)
        say(f"Written to {REPORT}")
    sys.exit(1 if bench.faults else 0)


async def measure(
    bench: Bench, parts: set[str], fresh: dict[int, Place], main_place: Place, two: Place, *, quick: bool
) -> None:
    """Run the parts on `main_place`, except growth, which needs all sizes, and the comparisons with two processes.
    Servers in `fresh` never reuse a response."""
    if parts & set("ab"):
        await bench.statement_and_http(main_place, two)
    if parts & set("cd"):
        await bench.reads(main_place, fresh[main_place.world.appointments])
    if "e" in parts:
        await bench.races(main_place, rounds=5 if quick else 100)
    if "f" in parts:
        await bench.growth(fresh)
    if "g" in parts:
        await bench.memory(main_place, two)
    if "h" in parts:
        await bench.relay(main_place)
    if "i" in parts:
        await bench.outbox(main_place, min(outbox.FULL, main_place.world.appointments))
    if "j" in parts:
        await bench.numbers(main_place)
    if parts & set("lm"):
        bench.startup(main_place)


if __name__ == "__main__":
    cyclopts.run(main)
