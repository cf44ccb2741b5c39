"""The worker's backups: continuous, nightly, and verified by restoring them."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from ...database import backup_gaps, job_runs
from ...database.pool import Database
from ...kit import clock, errors
from ...settings import Settings
from . import service, wal
from .archive import open_archive
from .model import BackupError
from .service import BackupSource

log = structlog.get_logger()

RETRY_SECONDS: Final = 10.0


async def store_wal(db: Database, settings: Settings, origin: BackupSource, stop: asyncio.Event) -> None:
    """Store the write-ahead log until `stop` is set. After a failure, try again: the server keeps what is not stored.
    A stream without a base backup gets one at once. If there were others before, the moments between cannot be
    restored."""

    async def back_up_now() -> None:
        if began_at := await backup_gaps.begin(db):
            log.error("changes cannot be restored until there is a new base backup", since=began_at.isoformat())
        await job_runs.run_now(db, name="back-up", now=clock.now())

    async def note(at: datetime) -> None:
        with suppress(errors.Unavailable):  # the next call catches up
            await job_runs.record_progress(db, name="store-wal", at=at)

    while not stop.is_set():
        try:
            await wal.store_continuously(
                open_archive(settings),
                origin.url,
                stop,
                seconds=settings.backup_seconds,
                observer=wal.Observer(back_up_now, note),
            )
        except BackupError as error:
            log.error("WAL not stored", detail=str(error))  # noqa: TRY400  the message says everything
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_SECONDS)


async def back_up(db: Database, settings: Settings, origin: BackupSource) -> None:
    """Make a base backup, and delete expired ones. Raise `BackupError`."""
    archive = open_archive(settings)
    backup = await service.back_up(archive, origin, seconds=settings.backup_seconds)
    forget_before = backup.ended_at - timedelta(days=settings.backup_days)
    await backup_gaps.end(db, at=backup.ended_at, forget_before=forget_before)
    expired = await service.expire(archive, origin, days=settings.backup_days)
    log.info("backup stored", id=backup.id, bytes=backup.size, expired_objects=expired)


async def verify(settings: Settings) -> None:
    """Restore everything into a temporary directory and check it. Raise `BackupError` if something is wrong."""
    archive = open_archive(settings)
    checked = await asyncio.to_thread(service.verify, archive, say=lambda text: log.info("verifying", detail=text))
    log.info("backup verified", checks=checked)
