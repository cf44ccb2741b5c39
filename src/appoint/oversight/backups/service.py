"""Make, list, restore, verify and expire backups."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from ...database import migrate
from ...database.logins import BACKUP_LOGIN, name_in
from ...database.pool import ACROSS, connect
from ...settings import Settings
from ..invariants import service as invariants
from . import base, repository, wal
from .archive import Archive, read_keys
from .model import (
    Backup,
    BackupError,
    RecoveredServer,
    WalPiece,
    latest_moment,
    parse_wal,
    select_backup,
    select_expired,
    select_wal,
)

STATEMENT_SECONDS: Final = 600
SPACE_FACTOR: Final = 3
"""How much space verifying needs, as a multiple of a backup's size: the archive, its content, and the WAL."""


class BackupSource(NamedTuple):
    """The server that is backed up."""

    url: str
    """For a login that can replicate."""
    serving_url: str
    database: str
    is_embedded: bool


def find_origin(settings: Settings, serving_url: str) -> BackupSource:
    """Return the server to back up. Raise `BackupError` if the settings name a server other than the embedded one, but
    no login for backups."""
    database = unquote(urlsplit(serving_url).path.removeprefix("/"))
    if settings.backup_database_url:
        return BackupSource(settings.backup_database_url.get_secret_value(), serving_url, database, is_embedded=False)
    if settings.database_url:
        raise BackupError(
            "Set APPOINT_BACKUP_DATABASE_URL to the server in APPOINT_DATABASE_URL with a login for backups. As a "
            f"superuser, create it: create role {BACKUP_LOGIN} login replication password '…'"
        )
    url = urlunsplit(urlsplit(serving_url)._replace(netloc=f"{BACKUP_LOGIN}@"))
    return BackupSource(url, serving_url, database, is_embedded=True)


def check_settings(settings: Settings) -> None:
    """Raise `BackupError` if backups are turned on but something that they need is missing or invalid."""
    if settings.backup_url:
        find_origin(settings, "")
        read_keys(settings)


async def back_up(archive: Archive, origin: BackupSource, *, seconds: float) -> Backup:
    """Make a base backup, and store the WAL that it needs unless a worker already does. Raise `BackupError`."""
    slot, _ = await wal.open_slot(origin.url)
    stop = asyncio.Event()
    storing = asyncio.create_task(wal.store_continuously(archive, origin.url, stop, seconds=seconds))
    making = asyncio.create_task(
        base.make(
            archive,
            origin.url,
            slot.stream,
            database=origin.database,
            login=name_in(origin.serving_url),
            is_embedded=origin.is_embedded,
            revision=migrate.newest(),
        )
    )
    try:
        await asyncio.wait({storing, making}, return_when=asyncio.FIRST_COMPLETED)
        if storing.done():
            storing.result()
        return await making
    finally:
        stop.set()
        making.cancel()
        await asyncio.gather(storing, making, return_exceptions=True)


class RestorableMoments(NamedTuple):
    backups: list[Backup]
    """All complete backups, oldest first."""
    latest: dict[str, datetime]
    """The latest moment that each can restore, by the backup's id."""
    errors: list[BackupError]
    """One for each backup that cannot be read."""


async def list_moments(archive: Archive) -> RestorableMoments:
    """Return all complete backups, and the moments that they can restore. Raise `BackupError`."""
    objects = await archive.list()
    backups, errors = await base.find_all(archive, objects)
    pieces = [parse_wal(stored) for stored in objects if "/wal/" in stored.name]
    latest = {
        backup.id: latest_moment([piece for piece in pieces if piece.stream == backup.stream], backup)
        for backup in backups
    }
    return RestorableMoments(backups, latest, errors)


async def expire(archive: Archive, origin: BackupSource, *, days: int) -> int:
    """Delete the backups that are no longer needed to restore any moment in the last `days` days, and the WAL that only
    they need. Return how many objects were deleted."""
    async with repository.connection_to(origin.url) as connection:
        position = await repository.read_position(connection)
        slots = await repository.find_slots(connection)
    now, live = position.now, next((slot.stream for slot in slots if slot.timeline == position.timeline), None)
    objects = await archive.list()
    backups, errors = await base.find_all(archive, objects)
    if errors:  # nothing may be deleted that such a backup needs
        raise errors[0]
    expired = select_expired(backups, objects, days=days, now=now, live=live)
    # descriptions come first, so that an interrupted deletion doesn't leave a backup that only looks complete
    names = sorted(expired, key=lambda name: ("/about." not in name, name))
    await archive.delete(names)
    return len(names)


def restore(
    archive: Archive,
    directory: Path,
    *,
    to: datetime | None,
    id: str | None = None,
    say: Callable[[str], None],
    check: Callable[[Backup, RecoveredServer], None],
) -> Backup:
    """Restore the moment, or everything that is stored, to a new data directory, and call `check` while its server
    runs. Blocks for as long as this takes. Return the base backup that was used.

    Raise `BackupError` if the directory is not empty or the backup cannot be restored; then nothing is left in the
    directory.
    """
    from . import recovery  # noqa: PLC0415  a server does not need its libraries

    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupError(f"{directory} is not an empty directory. Restore a backup into a new one.")
    backup, pieces = asyncio.run(_select(archive, to=to, id=id))
    say(f"Restoring the backup {backup.id} and {len(pieces)} pieces of WAL")
    recovery.recover(
        directory,
        backup,
        lambda folder: asyncio.run(recovery.write_files(archive, backup, pieces, folder)),
        to=to,
        say=say,
        check=lambda recovered: check(backup, recovered),
    )
    return backup


async def _select(archive: Archive, *, to: datetime | None, id: str | None) -> tuple[Backup, list[WalPiece]]:
    backup = select_backup((await base.find_all(archive, await archive.list())).backups, to=to, id=id)
    pieces = [parse_wal(stored) for stored in await archive.list(f"{backup.stream}/wal")]
    return backup, select_wal(pieces, backup, to=to)


def verify(archive: Archive, *, say: Callable[[str], None]) -> int:
    """Restore everything that is stored into a temporary directory, and check all invariants. Blocks for as long as
    this takes. Return how many checks there were. Raise `BackupError` if the backup cannot be restored or its data
    violates a rule."""
    newest, _ = asyncio.run(_select(archive, to=None, id=None))
    with tempfile.TemporaryDirectory(prefix="appoint-verify-") as folder:
        place = Path(folder)
        place.chmod(0o711)  # as root, the server runs under a different account
        if shutil.disk_usage(place).free < SPACE_FACTOR * newest.size:
            raise BackupError(f"There is too little space in {place.parent} to verify the backup. Set TMPDIR.")
        counts = list[int]()
        restore(
            archive, place / "data", to=None, say=say, check=lambda _, recovered: counts.append(count_checks(recovered))
        )
    return counts[0]


def count_checks(recovered: RecoveredServer) -> int:
    """Check all invariants, and return how many there were. Raise `BackupError` if one does not hold."""
    return asyncio.run(_check(recovered))


async def _check(recovered: RecoveredServer) -> int:
    db = connect(recovered.url, size=1, wait_seconds=10, statement_seconds=STATEMENT_SECONDS, role=ACROSS)
    try:
        checked = 0
        async for report in invariants.check(db, clinic_ids=await invariants.list_clinics(db)):
            checked += report.checked
            for violation in report.violations:
                raise BackupError(
                    f"The restored data of clinic {report.clinic_id} violates a rule, {violation.invariant}: "
                    f"{violation.meaning}"
                )
        return checked
    finally:
        await db.close()
