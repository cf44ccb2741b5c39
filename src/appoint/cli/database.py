"""`appoint migrate`, `demo`, `schema`, `psql` and `database distribute`: database commands.

Commands import what they need when they run.
"""
# ruff: noqa: PLC0415

import asyncio
import shutil
import signal
import subprocess
import sys
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter

from ..settings import Settings
from .output import echo

group: Final = App(name="database", help="Distribute the database over several servers.")
GROUPS: Final = [group]


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


@group.command
def distribute(*, dry_run: bool = False) -> None:
    """Distribute the tables over the nodes of a Citus cluster, so that each clinic's rows are on one node.

    Stop all servers and workers first. Tables that are already distributed stay as they are, so run this again after
    each `appoint migrate`. If it fails, nothing has changed.

    Parameters
    ----------
    dry_run
        Print the statements without running them. This does not need Citus.
    """
    from rich.console import Console
    from rich.progress import Progress

    from ..database.distribution import distribute as distribution
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        asyncio.run(startup.expect_migrated(database))
        if dry_run:
            plan, has_citus = asyncio.run(distribution.preview(database.owner_url))
            transaction = ["begin", *plan.statements, "commit"] if plan.statements else []
            print("".join(f"{statement.rstrip(';')};\n" for statement in [*transaction, *plan.on_shards]), end="")
            if not has_citus:
                echo("This database does not have the Citus extension, so these statements cannot run there.")
            return
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("Distributing", total=None)

            def show(number: int, total: int) -> None:
                progress.update(task, completed=number, total=total)

            plan = asyncio.run(distribution.distribute(database.owner_url, on_progress=show))
        count = sum("create_distributed_table" in statement for statement in plan.statements)
        echo(f"Tables distributed: {count}." if count else "All tables were distributed already.")
