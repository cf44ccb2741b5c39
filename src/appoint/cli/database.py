"""`appoint migrate`, `demo`, `schema` and `psql`: database commands. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import asyncio
import shutil
import signal
import subprocess
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from ..settings import Settings
from .output import echo


def migrate() -> None:
    """Migrate the database to this version's schema. Safe to repeat, even concurrently.

    If APPOINT_OWNER_DATABASE_URL is set, migrate as that owner, and set up the login in APPOINT_DATABASE_URL, creating
    it if necessary, so that it can serve requests and do nothing else.
    """
    from ..database import migrate
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        asyncio.run(startup.migrate_and_prepare(database))
        echo(f"The database is at revision {migrate.newest()}.")


def demo(*, size: Literal["small", "large"] = "small", into_existing: bool = False) -> None:
    """Load a demo world into a database that has no clinics yet.

    Parameters
    ----------
    size
        small: three clinics with about twelve doctors; large: 100 clinics, 2,000 doctors and 2 million appointments.
    into_existing
        Load it even if the database already has clinics.
    """
    from .. import demo
    from ..server import startup

    settings = Settings()
    with startup.database(settings, say=echo) as database:
        asyncio.run(startup.expect_migrated(database))
        login = startup.demo_password(settings, secretly=not sys.stderr.isatty())._asdict()
        keys = startup.read_keys(settings)
        load = demo.load(database.owner_url, size=size, into_existing=into_existing, say=echo, keys=keys, **login)
        asyncio.run(load)


def schema(*, check: bool = False) -> None:
    """Write the schema and the privileges that the migrations create to schema.sql and privileges.txt in
    src/appoint/database, or check those files.

    Parameters
    ----------
    check
        Change nothing; the exit code is 1 if a file differs.
    """
    from ..database import dump
    from ..kit.errors import StartupError

    for file, text in dump.dump().files.items():
        if not check:
            file.write_text(text)
        elif not file.exists() or text != file.read_text():
            raise StartupError(f"{file} differs from what the migrations create. Run `appoint schema`.")


def psql(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Open psql on the configured database.

    Parameters
    ----------
    arguments
        Arguments for psql, such as -c 'select 1'.
    """
    from ..kit.errors import StartupError
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        program = database.programs / "psql" if database.programs else shutil.which("psql")
        if not program:
            raise StartupError("There is no psql on the PATH.")
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # leave Ctrl-C to psql
        return subprocess.call([program, database.owner_url, *arguments])  # noqa: S603 -- the operator chooses the arguments
