"""`appoint backup`, `restore` and `check-backup`. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ..settings import Settings
from .output import echo, table

if TYPE_CHECKING:
    from ..oversight.backups.archive import Archive
    from ..oversight.backups.model import Backup, RecoveredServer


def backup() -> None:
    """Store a backup of the whole database server at APPOINT_BACKUP_URL, encrypted with the first key in
    APPOINT_BACKUP_KEYS.

    If APPOINT_BACKUP_URL is set, workers do this every night, and continuously store all changes in between, so that
    `appoint restore` can restore any moment. Back up recordings of video visits separately.
    """
    from ..oversight.backups import service
    from ..oversight.backups.archive import open_archive
    from ..server import startup

    settings = Settings()
    archive = open_archive(settings)
    startup.check_extras(settings)
    with startup.database(settings, say=echo) as database:
        asyncio.run(startup.expect_migrated(database))
        origin = service.find_origin(settings, database.url)
        stored = asyncio.run(service.back_up(archive, origin, seconds=1))
        echo(f"The backup {stored.id} is stored: {_megabytes(stored.size)}, encrypted.")
        echo("Keep the keys in APPOINT_BACKUP_KEYS away from this machine: without them, no backup can be restored.")


def restore(
    directory: Path | None = None,
    /,
    *,
    to: datetime | None = None,
    backup: str | None = None,
    list_backups: Annotated[bool, Parameter(name="--list", negative=())] = False,
) -> None:
    """Restore the database server from APPOINT_BACKUP_URL into a new data directory, check that all its data follows
    the rules, and print when the last restored transaction was committed.

    To use a restored embedded server, set APPOINT_DATA_DIR to the directory, which also needs the files
    `encryption-keys` and `secret-key` unless their content is in variables. To use any other server, copy the
    directory's folder `postgres` to it. The exit code is 1 if it cannot be restored, or if a rule is
    violated.

    Parameters
    ----------
    directory
        The data directory to create. It must be empty or must not exist yet.
    to
        The moment to restore, such as 2027-03-01T09:30:00Z; without an offset, in UTC. If omitted, restore everything
        that is stored.
    backup
        The id of the backup to begin with. If omitted, the newest one that can restore the moment.
    list_backups
        List the backups instead, and the moments that they can restore.
    """
    from ..kit.errors import StartupError
    from ..oversight.backups import service
    from ..oversight.backups.archive import open_archive

    archive = open_archive(Settings())
    if list_backups:
        _list(archive)
        return
    if directory is None:
        raise StartupError("Give a new directory to restore to, or use --list to see what can be restored.")
    moment = to.replace(tzinfo=UTC) if to and to.tzinfo is None else to
    restored = service.restore(archive, directory.absolute(), to=moment, id=backup, say=echo, check=_check)
    echo(
        f"The database is restored. To use it: APPOINT_DATA_DIR={directory}"
        if restored.is_embedded
        else f"The server's files are restored to {directory}/postgres. Its own settings are in the files *.original."
    )


def check_backup() -> None:
    """Restore everything that is stored at APPOINT_BACKUP_URL into a temporary directory on this machine, and check
    that all its data follows the rules, as `appoint check` does. The exit code is 1 if it cannot be restored, or if a
    rule is violated.

    This needs about three times as much space as the database, in the directory in TMPDIR.
    """
    from ..oversight.backups import service
    from ..oversight.backups.archive import open_archive

    checked = service.verify(open_archive(Settings()), say=echo)
    echo(f"The backup can be restored, and all rules hold. Checks: {checked}.")


def _check(backup: "Backup", recovered: "RecoveredServer") -> None:
    from ..database import migrate
    from ..oversight.backups import service

    at = recovered.last_transaction_at
    echo(f"The last transaction was committed at {at or backup.ended_at:%Y-%m-%dT%H:%M:%S.%f%z}.")
    if backup.revision != migrate.newest():
        echo(f"The data is at revision {backup.revision}. Run `appoint migrate` and `appoint check` on it.")
        return
    echo(f"All rules hold. Checks: {service.count_checks(recovered)}.")


def _list(archive: "Archive") -> None:
    from ..kit.errors import StartupError
    from ..oversight.backups import service

    backups, latest, errors = asyncio.run(service.list_moments(archive))
    for error in errors:
        echo(f"Warning: {error}")
    if not backups:
        raise StartupError("There is no complete backup.")
    table(
        ["backup", "size", "earliest moment", "latest moment"],
        [(one.id, _megabytes(one.size), _second(one.ended_at), _second(latest[one.id])) for one in backups],
    )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def _second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


COMMANDS = (backup, restore, check_backup)
