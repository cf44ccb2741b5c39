"""PostgreSQL and Python use the same time zone rules, and Appoint reports any difference."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appoint.database import upkeep, zone_files
from appoint.database.zone_rules import DifferentZone, OffsetPeriod, ZoneRules, find_differences, periods
from appoint.kit import clock
from appoint.server import startup
from support.world import RUN_START, create_clinic

END = RUN_START + timedelta(days=365)
BERLIN = ZoneInfo("Europe/Berlin")


async def test_all_zones_have_the_same_rules_in_postgresql_and_python(db):
    assert await ZoneRules().differences(db, now=clock.now()) == []


def test_a_zones_periods_end_where_its_clocks_change():
    assert periods({"Europe/Berlin": BERLIN}, datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)) == [
        OffsetPeriod("Europe/Berlin", datetime(2027, 1, 1, tzinfo=UTC), spring := at_one(3, 28), timedelta(hours=1)),
        OffsetPeriod("Europe/Berlin", spring, autumn := at_one(10, 31), timedelta(hours=2)),
        OffsetPeriod("Europe/Berlin", autumn, datetime(2028, 1, 1, tzinfo=UTC), timedelta(hours=1)),
    ]


def at_one(month: int, day: int) -> datetime:
    return datetime(2027, month, day, 1, tzinfo=UTC)


async def test_a_zone_used_by_a_clinic_is_reported_as_in_use(client, db):
    await create_clinic(client, timeZone="America/Winnipeg")
    compared = periods(
        {"America/Havana": ZoneInfo("America/Lima"), "America/Winnipeg": ZoneInfo("America/Chicago")}, RUN_START, END
    )
    assert await find_differences(db, compared) == [
        DifferentZone("America/Havana", in_use=False),
        DifferentZone("America/Winnipeg", in_use=True),
    ]


async def test_a_zone_that_postgresql_does_not_know_is_reported(db):
    compared = periods({"Mars/Olympus": BERLIN}, RUN_START, END)
    assert await find_differences(db, compared) == [DifferentZone("Mars/Olympus", in_use=False)]


@pytest.mark.parametrize("seconds", [-1, 1])
async def test_a_clock_change_that_is_off_by_a_second_is_reported(db, seconds):
    winter, summer, *_ = periods({"Europe/Berlin": BERLIN}, RUN_START, END)
    change = summer.start + timedelta(seconds=seconds)
    compared = [winter._replace(end=change), summer._replace(start=change)]
    assert [different.zone for different in await find_differences(db, compared)] == ["Europe/Berlin"]


@pytest.fixture
def different_rules(monkeypatch) -> None:
    """Give Python rules for Winnipeg that differ from PostgreSQL's."""
    original = clock.zone
    monkeypatch.setattr(clock, "zone", lambda name: original(name.replace("Winnipeg", "Chicago")))


async def test_readyz_names_zones_that_differ_and_stays_ready(different_rules, client, db):
    await upkeep.beat(db, worker="one")
    await create_clinic(client, timeZone="America/Winnipeg")
    response = await client.get("/readyz")
    assert (response.status_code, response.json()["parts"]["timeZones"]) == (
        200,
        {
            "ok": False,
            "detail": "PostgreSQL and Appoint have different rules for America/Winnipeg. "
            "Clinics are in America/Winnipeg: their hours are published at the wrong time.",
        },
    )


async def test_a_process_warns_about_differing_zones_when_it_starts(different_rules, db, database_url, capsys):
    await startup.compare_zones(database_url)
    assert "America/Winnipeg. No clinic is in any of them." in capsys.readouterr().out


def test_installations_with_earlier_rules_are_removed(tmp_path: Path):
    earlier, current = (tmp_path / f"postgresql-18.6.3-tzdata-{version}-0" for version in ("2025.2", "2026.6"))
    for home in (earlier, current):
        (home / "bin").mkdir(parents=True)
    zone_files.remove_others(current / "bin" / "postgres")
    assert [path.name for path in tmp_path.iterdir()] == [current.name]
