"""`appoint backup`, `restore` and `check-database`. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import asyncio
from pathlib import Path

from ..settings import Settings
from .output import echo


def backup(file: Path, /) -> None:
    """Back up the database to a new file.

    The file contains patients' names and appointments: encrypt it, and keep it apart from the encryption keys.
    """
    from ..database import backups
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        backups.back_up(database.owner_url, file, programs=database.programs)
        echo(f"The backup is in {file}.")


def restore(file: Path, /) -> None:
    """Restore a backup into an empty database.

    Servers and workers must not be running. If the backup comes from an earlier release, the database is then migrated.
    """
    from ..database import backups, migrate
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        asyncio.run(backups.restore(database.owner_url, file, programs=database.programs))
        asyncio.run(startup.migrate_and_prepare(database))
        asyncio.run(backups.check(database.owner_url))
        echo(f"The database is restored, at revision {migrate.newest()}.")


def check_database() -> None:
    """Check that the database has this version's schema, and the roles, policies and grants that Appoint needs, as
    servers do when they start. `appoint check` also checks the stored data."""
    from ..database import migrate
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        asyncio.run(startup.expect_migrated(database))
        echo(f"The database is complete, at revision {migrate.newest()}.")


COMMANDS = (backup, restore, check_database)
