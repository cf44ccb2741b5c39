"""The scripts convert wall times to the same instants as the database does."""

import subprocess
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from support.browsers import AXE
from support.harbor_street import connect

SCRIPTS = AXE.parents[2] / "scripts"


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Kolkata"]
)
async def test_scripts_and_database_agree_on_wall_times_when_clocks_change(site, page, zone):
    """This includes an hour that is skipped and one that occurs twice."""
    noons = [datetime(2027, 1, 1, 12, tzinfo=ZoneInfo(zone)) + timedelta(days=number) for number in range(365)]
    changes = [noon.date() for before, noon in pairwise(noons) if before.utcoffset() != noon.utcoffset()]
    async with connect(site) as db:
        rows = await db.fetch(
            """
            select d, m, local_instant(d, m, $2) as instant
              from unnest($1::date[]) as d, generate_series(0, 1410, 30) as m
            """,
            changes or [noons[0].date()],
            zone,
        )
    esbuild = next(AXE.parents[1].glob("@esbuild/*/bin/esbuild"))
    bundle = subprocess.run(
        [esbuild, SCRIPTS / "_zone.ts", "--bundle", "--format=iife", "--global-name=zones"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    wall_times = [f"{row['d']}T{row['m'] // 60:02}:{row['m'] % 60:02}" for row in rows]
    instants = await page.evaluate(
        f"(all) => {{ {bundle}; return all.times.map((each) => zones.instantOf(each, all.zone).toISOString()) }}",
        {"times": wall_times, "zone": zone},
    )
    assert [datetime.fromisoformat(each) for each in instants] == [row["instant"] for row in rows]
