"""Backups of a separate embedded server, and damage to stored objects."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from appoint.database import embedded, logins, migrate
from appoint.database.embedded import Server
from appoint.kit.blobs import BlobStore
from appoint.kit.key_ring import KeyRing, new_key
from appoint.oversight.backups import base, service, wal
from appoint.oversight.backups.archive import Archive
from appoint.oversight.backups.model import Backup, RecoveredServer
from appoint.oversight.backups.service import BackupSource, find_origin
from appoint.settings import Settings

KEY = f"spring:{new_key()}"
T = TypeVar("T")


@contextmanager
def migrated_server(folder: Path) -> Iterator[Server]:
    """Run a durable server: only what is on disk is replicated."""
    with embedded.running(folder, say=lambda _: None) as server:
        asyncio.run(migrate.upgrade(server.url))
        asyncio.run(logins.prepare(server.url, server.serving_url))
        yield server


def origin_of(server: Server) -> BackupSource:
    return find_origin(Settings(), server.serving_url)


def archive_in(folder: Path, key: str = KEY) -> Archive:
    return Archive(BlobStore(None, folder), KeyRing.parse(key))


async def while_storing(archive: Archive, origin: BackupSource, work: Callable[[], Awaitable[T]]) -> T:
    """Store WAL at least every half second while `work` runs, and everything that it has written at the end."""
    stop = asyncio.Event()
    slot, _ = await wal.open_slot(origin.url)
    storing = asyncio.create_task(wal.store_continuously(archive, origin.url, stop, seconds=0.5))
    try:
        result = await work()
        await base.wait_until_stored(origin.url, slot.stream, (await base.read_position(origin.url)).end)
        return result
    finally:
        stop.set()
        await storing


def restore(
    archive: Archive,
    directory: Path,
    check: Callable[[Backup, RecoveredServer], None] = lambda *_: None,
    *,
    to: datetime | None = None,
) -> None:
    service.restore(archive, directory, to=to, say=lambda _: None, check=check)
