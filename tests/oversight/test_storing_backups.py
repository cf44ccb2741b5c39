"""The worker stores WAL and backups, and an incomplete backup never looks complete."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appoint.database import cluster, upkeep
from appoint.database.embedded import Server
from appoint.database.pool import Database, connect
from appoint.kit.leases import PollIntervals
from appoint.oversight.backups import repository, service, wal
from appoint.oversight.backups.model import BackupError, Slot
from appoint.server import nightly
from appoint.settings import Settings
from support.app import settings as app_settings
from support.backups import KEY, archive_in, migrated_server, origin_of, restore
from support.database import as_superuser
from support.embedded_servers import folder
from support.processes import eventually_async
from support.workers import running_worker

pytestmark = pytest.mark.xdist_group("backups")

DROP_SLOT = ("select pg_drop_replication_slot(slot_name) from pg_replication_slots",)
LOSE_WAL = (
    *("select pg_logical_emit_message(true, 'test', 'one segment after another'), pg_switch_wal()",) * 8,
    "checkpoint",
)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with folder() as path:
        yield path


@pytest.fixture(scope="module")
def server(place) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(cluster.SETTINGS, "max_slot_wal_keep_size", "64MB")
        with migrated_server(place / "origin") as server:
            yield server


def test_a_killed_backup_does_not_look_complete(server, place):
    store = place / "killed"
    store.mkdir()
    environment = {
        "APPOINT_DATA_DIR": str(place / "origin"),
        "APPOINT_BACKUP_URL": str(store),
        "APPOINT_BACKUP_KEYS": KEY,
    }
    with subprocess.Popen([sys.executable, "-m", "appoint", "backup"], env={**os.environ, **environment}) as process:
        while not list(store.glob("*/base/*")):
            assert process.poll() is None
        process.kill()
    archive = archive_in(store)
    with pytest.raises(BackupError, match="There is no complete backup"):
        restore(archive, place / "nothing")
    asyncio.run(service.back_up(archive, origin_of(server), seconds=0.5))
    objects = asyncio.run(archive.list())
    assert len(asyncio.run(service.list_moments(archive)).backups) == 1
    assert len([stored for stored in objects if "/base/" in stored.name]) >= 2


async def test_wal_is_kept_until_it_is_stored(server, place):
    store = place / "kept"
    store.mkdir()
    origin = origin_of(server)
    slot, _ = await wal.open_slot(origin.url)
    assert await wal.open_slot(origin.url) == (slot, False)
    (store / slot.stream).mkdir()
    (store / slot.stream / "wal").touch()  # no WAL can be stored in a file
    with pytest.raises(BackupError, match="was not stored"):
        await wal.store_continuously(archive_in(store), origin.url, asyncio.Event(), seconds=0.1)
    async with repository.connection_to(origin.url) as connection:
        (after,) = await repository.find_slots(connection)
    assert after.position == slot.position


async def test_a_login_that_cannot_replicate_is_refused_with_the_remedy(server_url):
    with pytest.raises(BackupError, match=r'The login appoint cannot make backups.*alter role "appoint" replication'):
        async with repository.connection_to(server_url):
            pass
    settings = Settings(database_url="postgresql://appoint_serving@db.internal/appoint")
    with pytest.raises(BackupError, match="create role appoint_backup login replication"):
        service.find_origin(settings, "postgresql://appoint_serving@db.internal/appoint")


async def test_the_worker_backs_up_at_once_and_verifies_and_makes_a_new_base_backup_after_a_gap(
    server, place, monkeypatch
):
    store = place / "worker"
    store.mkdir()
    monkeypatch.setattr(nightly, "PACE", PollIntervals(0.05, 0.05))
    settings = app_settings(backup_url=str(store), backup_keys=KEY, backup_seconds=1)
    db = connect(server.url, size=2, wait_seconds=10, statement_seconds=30)

    async with running_worker(server.serving_url, settings):
        await eventually_async(lambda: have_ages(db, "wal", "base"))
        await db.execute("update job_run set due_at = now() where name = 'check-backup'")
        await eventually_async(lambda: have_ages(db, "wal", "base", "check"))
    moments = await service.list_moments(archive_in(store))
    assert len(moments.backups) == 1
    for number, damage in enumerate((DROP_SLOT, LOSE_WAL), 1):
        (before,) = await find_slots(server)
        await as_superuser(server.url, *damage)
        async with running_worker(server.serving_url, settings):
            await eventually_async(lambda number=number: has_gaps(db, number))
        (after,) = await find_slots(server)
        state, newest = await upkeep.read_backups(db), (await service.list_moments(archive_in(store))).backups[-1]
        assert state
        assert before.stream != after.stream == newest.stream
        assert state.last_began_at < state.last_ended_at == newest.ended_at
        assert state.open_since is None
    async with running_worker(server.serving_url, app_settings()):
        await eventually_async(lambda: has_no_backups(db))
    await db.close()


async def find_slots(server: Server) -> list[Slot]:
    async with repository.connection_to(origin_of(server).url) as connection:
        return await repository.find_slots(connection)


async def have_ages(db: Database, *parts: str) -> bool:
    state = await upkeep.read_backups(db)
    return state is not None and all(getattr(state, part) is not None for part in parts)


async def has_gaps(db: Database, count: int) -> bool:
    state = await upkeep.read_backups(db)
    return state is not None and state.gaps == count


async def has_no_backups(db: Database) -> bool:
    return await upkeep.read_backups(db) is None
