"""`appoint dump`, `restore-dump`, `check-dump` and `check-database`. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import Settings
from .output import echo
from .parameters import AsJson

if TYPE_CHECKING:
    from ..oversight.invariants.model import InvariantReport


def dump(file: Path, /) -> None:
    """Write everything in the database to a new file, for small clinics and for moving to another server.

    The file contains patients' names and appointments: encrypt it, and keep it apart from the encryption keys.
    `appoint backup` stores encrypted backups from which any moment can be restored.
    """
    from ..database import dumps
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        dumps.dump(database.owner_url, file, programs=database.programs)
        echo(f"The dump is in {file}.")


def restore_dump(file: Path, /) -> None:
    """Restore a dump into an empty database.

    Servers and workers must not be running. If the dump comes from an earlier release, the database is then migrated.
    """
    from ..database import dumps, migrate
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        asyncio.run(dumps.restore(database.owner_url, file, programs=database.programs))
        asyncio.run(startup.migrate_and_prepare(database))
        asyncio.run(dumps.check(database.owner_url))
        echo(f"The database is restored, at revision {migrate.newest()}.")


def check_dump(file: Path, /, *, as_json: AsJson = False) -> None:
    """Restore a dump into a temporary database on this machine, and check that it is complete and that all its data
    follows the rules, as `appoint check` does. The exit code is 1 if it cannot be restored, or if a rule is violated.

    The temporary database needs as much space as the original, in the directory in TMPDIR, and is deleted at the end.
    It uses the embedded PostgreSQL, even if Appoint itself uses a different server.

    Parameters
    ----------
    file
        The dump.
    as_json
        Print JSON, one clinic per line.
    """
    from ..database import dumps, embedded
    from ..database.pool import ACROSS, connect
    from ..server import startup
    from .invariants import conclude, run_checks

    async def work(database: startup.UsableDatabase) -> "list[InvariantReport]":
        await dumps.restore(database.owner_url, file, programs=database.programs)
        await startup.migrate_and_prepare(database)
        await dumps.check(database.owner_url)
        db = connect(database.url, size=1, wait_seconds=10, statement_seconds=600, role=ACROSS)
        try:
            return await run_checks(db, clinic=None, as_json=as_json)
        finally:
            await db.close()

    with tempfile.TemporaryDirectory(prefix="appoint-dump-") as folder:
        place = Path(folder)
        place.chmod(0o711)  # as root, the server runs under a different account
        with embedded.running(place / "data", durable=False, say=echo) as server:
            restored = startup.UsableDatabase(server.serving_url, server.url, fresh=True, programs=server.binaries)
            reports = asyncio.run(work(restored))
    conclude(reports)


def check_database() -> None:
    """Check that the database has this version's schema, and the roles, policies and grants that Appoint needs, as
    servers do when they start. `appoint check` also checks the stored data."""
    from ..database import migrate
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        asyncio.run(startup.expect_migrated(database))
        echo(f"The database is complete, at revision {migrate.newest()}.")


COMMANDS = (dump, restore_dump, check_dump, check_database)
