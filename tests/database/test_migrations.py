"""Upgrading databases with data from any revision, by several processes at once, and while tables are locked."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from appoint.database import migrate, sql
from appoint.database.pool import connect
from appoint.kit.cache import ClinicCache
from support.database import copy_template, create_empty, drop, temporary
from support.scale import scaled
from support.table_contents import columns, contents
from support.world import World, at

HERE = Path(__file__).parent
REVISIONS = [migration.revision for migration in migrate.migrations()]
UPGRADED_REVISIONS = scaled(REVISIONS, [REVISIONS[0], *REVISIONS[7:-3:8], *REVISIONS[-3:]])
"""The revisions to upgrade from. A reduced run takes the first, the latest, and some between them."""
ALEMBIC_REVISIONS = scaled(["0001", "0002", "0003", "0004", "0005", "0006"], ["0006"])
DR_SHAH = UUID("00000001-0000-8000-8000-000000000001")
CHECK_UP = UUID("00000001-0000-8000-8000-000000000002")
ANA = UUID("00000000-0000-7000-8000-000000000001")
BEN = UUID("00000000-0000-7000-8000-000000000002")
EXPIRED_HOLD = UUID("00000001-0000-8000-8000-000000000008")
APPOINTMENT = UUID("00000001-0000-8000-8000-000000000099")


@pytest.fixture
def url(server_url, worker_id) -> Iterator[str]:
    """An empty database."""
    with temporary(server_url, f"upgraded_{worker_id}", migrated=False) as url:
        yield url


@pytest.fixture
async def connection(url) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Shorten lock timeouts and pauses from seconds to milliseconds."""
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", 0.1)


async def upgrade_to(revision: str, url: str) -> None:
    """Upgrade the database as a release that ends at this revision would."""
    up_to_revision = [migration for migration in migrate.migrations() if migration.revision <= revision]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: up_to_revision)
        await migrate.upgrade(url)


async def load_data(connection: asyncpg.Connection, revision: str) -> None:
    """Write the sample rows for this revision and all earlier ones."""
    for file in sorted((HERE / "data").glob("*.sql")):
        if file.stem <= revision:
            await connection.execute(file.read_text())


async def hand_back_to_alembic(connection: asyncpg.Connection) -> None:
    """Replace our bookkeeping with Alembic's, which earlier releases used."""
    await connection.execute(
        """
        create table alembic_version (version_num varchar(32) constraint alembic_version_pkc primary key);
        insert into alembic_version select max(revision) from schema_migration;
        drop table schema_migration;
        """
    )


async def book_at(url: str, hour: int) -> Any:
    """Book Dr Shah for Ben in the same way as this release does."""
    db = connect(url, size=2, wait_seconds=30, statement_seconds=60)
    try:
        async with ClinicCache(None) as cache:
            world = World(db, cache)
            world.clinic, world.dr_shah, world.ben = 1, DR_SHAH, BEN
            return await world.book(DR_SHAH, at(hour), BEN, appointment_type_id=CHECK_UP)
    finally:
        await db.close()


async def upgrade_with_data(url: str, connection: asyncpg.Connection, revision: str, *, alembic: bool) -> None:
    """Upgrade a database with data. Check that its rows are unchanged and that it accepts a booking."""
    await upgrade_to(revision, url)
    await load_data(connection, revision)
    if alembic:
        await hand_back_to_alembic(connection)
    tables = await columns(connection)
    before = await contents(connection, tables)
    assert all(before[table] for table in ("clinic", "doctor", "appointment", "event"))
    await migrate.upgrade(url)
    assert await contents(connection, tables) | {"doctor_day": []} == before | {"doctor_day": []}
    assert await migrate.revision(connection) == migrate.newest()
    assert (await book_at(url, 13)).status == "booked"


@pytest.mark.parametrize("revision", UPGRADED_REVISIONS)
async def test_a_database_with_data_is_upgraded_from_every_revision(url, connection, revision):
    await upgrade_with_data(url, connection, revision, alembic=False)


@pytest.mark.parametrize("revision", ALEMBIC_REVISIONS)
async def test_a_database_with_data_that_alembic_migrated_is_upgraded(url, connection, revision):
    await upgrade_with_data(url, connection, revision, alembic=True)
    assert await connection.fetchval("select to_regclass('alembic_version')") is None


async def test_each_applied_migration_is_recorded_by_name(url, connection):
    await upgrade_to("0004", url)
    await hand_back_to_alembic(connection)
    await migrate.upgrade(url)
    rows = await connection.fetch("select revision, name from schema_migration order by revision")
    assert [tuple(row) for row in rows] == [(migration.revision, migration.name) for migration in migrate.migrations()]


@pytest.fixture(scope="module")
async def upgraded(server_url, worker_id) -> AsyncIterator[asyncpg.Connection]:
    """A database with data, upgraded from the first revision. Tests only read it."""
    url = await create_empty(server_url, f"first_{worker_id}")
    await upgrade_to("0001", url)
    connection = await asyncpg.connect(url)
    await load_data(connection, "0001")
    await migrate.upgrade(url)
    yield connection
    await connection.close()
    await drop(url)


async def test_an_upgrade_separates_expired_holds_from_cancelled_bookings(upgraded):
    assert await upgraded.fetch("select id from appointment where only_held") == [(EXPIRED_HOLD,)]


async def test_an_upgrade_computes_the_daily_sums(upgraded):
    assert await upgraded.fetch("select booked, cancelled, missed, kept from doctor_day") == [(6, 1, 1, 3)]


async def test_an_upgrade_makes_customers_searchable_without_umlauts(upgraded):
    assert await upgraded.fetch("select id from customer where words like '%mueller%'") == [(ANA,)]


@pytest.fixture
async def migrated(server_url, worker_id) -> AsyncIterator[asyncpg.Connection]:
    """A database with this version's schema and data."""
    url = await copy_template(server_url, f"migrated_{worker_id}")
    connection = await asyncpg.connect(url)
    await load_data(connection, migrate.newest())
    yield connection
    await connection.close()
    await drop(url)


async def book_with(connection: asyncpg.Connection, statement: str, **values: Any) -> list[tuple[UUID, str]]:
    """Run an earlier version's booking statement. Parameters without a value are null."""
    query = sql.parse(f"previous.{statement}", (HERE / "previous" / f"{statement}.sql").read_text())
    arguments = query.arguments(dict.fromkeys(query.parameters) | values)
    return [(row["id"], row["status"]) for row in await connection.fetch(query.text, *arguments)]


async def test_release_0_1_0_can_book_on_the_new_schema(migrated):
    """Servers running an earlier release stay in service until the last of them is replaced."""
    rows = await book_with(
        migrated,
        "claim",
        clinic_id=1,
        clinic_version=1,
        booking_id=APPOINTMENT,
        rule="random",
        time_zone="Europe/Berlin",
        candidate_wishes=[1],
        candidate_doctors=[DR_SHAH],
        candidate_versions=[1],
        type_ids=[CHECK_UP],
        type_versions=[1],
        positions=[0],
        ids=[APPOINTMENT],
        doctors=[DR_SHAH],
        customers=[BEN],
        types=[CHECK_UP],
        starts=[at(13)],
        ends=[at(13, 30)],
        claimed_from=[at(13)],
        claimed_until=[at(13, 30)],
        statuses=["booked"],
        hold_expires_at=[None],
        price_amounts=[4500],
        price_currencies=["EUR"],
        notes=[None],
        actor="reception",
        action="bookAppointment",
        overridden=["{}"],
        max_appointments=5,
        max_holds=3,
        now=at(6),
    )
    assert rows == [(APPOINTMENT, "booked")]


async def test_the_previous_revision_can_book_on_the_new_schema(migrated):
    occupied = at(13), at(13, 30)
    request = (1, 0, APPOINTMENT, DR_SHAH, BEN, CHECK_UP, *occupied, *occupied, "booked", None, 4500, "EUR", None, [])
    rows = await book_with(
        migrated,
        "insert_appointments",
        clinic_id=1,
        clinic_version=1,
        booking_id=APPOINTMENT,
        requests=[request],
        candidates=[(1, DR_SHAH, 1)],
        types=[(CHECK_UP, 1)],
        actor=("reception", "bookAppointment", None, None, None),
        limits=(5, 3),
        now=at(6),
    )
    assert rows == [(APPOINTMENT, "booked")]


async def test_several_processes_can_migrate_at_once(url, connection):
    await asyncio.gather(*(migrate.upgrade(url) for _ in range(4)))
    assert await connection.fetchval("select count(*) from schema_migration") == len(REVISIONS)


async def test_a_failed_migration_is_rolled_back_and_earlier_ones_remain(url, connection):
    broken = [*migrate.migrations(), migrate.Migration("9999", "broken", "create table half (id int); select 1 / 0")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: broken)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate.upgrade(url)
    assert await migrate.revision(connection) == REVISIONS[-1]
    assert await connection.fetchval("select to_regclass('half')") is None


async def test_a_later_releases_schema_is_rejected(url, connection):
    await migrate.upgrade(url)
    with pytest.raises(
        migrate.TooNew, match=f"at revision {migrate.newest()}; this version of Appoint only knows revisions up to 0005"
    ):
        await upgrade_to("0005", url)


@pytest.fixture
async def reader(url) -> AsyncIterator[Any]:
    """A transaction that has read customers, in a database whose next migration changes them."""
    await upgrade_to("0005", url)
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select from customer")
    yield transaction
    await connection.close()


async def test_a_migration_waits_until_a_locked_table_is_released(url, connection, monkeypatch, impatient, reader):
    monkeypatch.setattr(migrate, "MAX_ATTEMPTS", 1000)
    upgrade = asyncio.create_task(migrate.upgrade(url))
    await asyncio.sleep(0.3)
    assert await migrate.revision(connection) == "0005"
    await reader.commit()
    await upgrade
    assert await migrate.revision(connection) == migrate.newest()


async def test_a_migration_gives_up_on_a_table_that_stays_locked(url, connection, impatient, reader):
    with pytest.raises(migrate.StillLocked, match="is still at revision 0005: despite 5 attempts, other sessions"):
        await migrate.upgrade(url)
    assert await migrate.revision(connection) == "0005"


async def test_other_sessions_can_read_between_a_migrations_attempts(url, connection, monkeypatch, impatient, reader):
    monkeypatch.setattr(migrate, "MAX_ATTEMPTS", 1000)
    upgrade = asyncio.create_task(migrate.upgrade(url))
    await asyncio.sleep(0.2)
    await asyncio.wait_for(connection.execute("select from customer"), 30)
    await reader.commit()
    await upgrade
