"""`appoint`: start processes and run maintenance. Commands import what they need when they run, so that `--help` is
fast."""
# ruff: noqa: PLC0415

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any, Final, Literal

from cyclopts import App, Parameter
from pydantic import ValidationError
from rich.console import Console
from rich.table import Column, Table

from ..settings import Settings
from . import audit, keys, maintenance, privacy, users
from .maintenance import echo

app = App(
    name="appoint",
    help="Appointment booking for clinics. Settings are `APPOINT_*` variables; `appoint settings` lists them.",
    version=lambda: version("appoint"),
    version_flags=["--version"],
)
for group in (*maintenance.GROUPS, *users.GROUPS, *keys.GROUPS, *audit.GROUPS, *privacy.GROUPS):
    app.command(group)

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PENDING_DEMO: Final = ".demo-pending"


class Stopped(SystemExit):
    """SIGTERM arrived. Event loops let `SystemExit` through, but no other exception of a signal handler."""


def _hang_up(_number: int, _frame: object) -> None:
    """Stop when the terminal is closed."""
    signal.raise_signal(signal.SIGTERM)


def main() -> None:
    """Run a command. Report operational errors as one line with exit code 1; let bugs raise."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _hang_up)
    try:
        app()
    except ValidationError as error:
        _fail("; ".join(f"APPOINT_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()))
    except Exception as error:
        from ..server.startup import FAILURES
        from ..site.assets import NotBuilt

        if not isinstance(error, (*FAILURES, NotBuilt)):
            raise
        _fail(str(error))


def _stop(number: int, frame: object) -> None:
    raise Stopped(128 + number)


def _fail(sentence: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"appoint: {sentence}", markup=False)
    sys.exit(1)


@contextmanager
def _until_signal() -> Generator[None]:
    """Treat Ctrl-C and SIGTERM as a normal exit of the block, and ignore further signals during cleanup."""
    try:
        yield
    except (KeyboardInterrupt, Stopped):
        pass
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def _token(settings: Settings, say: Callable[[str], None]) -> str:
    """Return the administrator's token. Print it if it was just created."""
    from ..server import startup

    token, new = startup.admin_token(settings)
    if new:
        say(f"The administrator's token, also stored in {settings.data_dir / 'admin-token'}:\n  {token}")
    return token


@app.command
def run() -> None:
    """Start everything on this machine: the database, the API and pages, and the worker.

    Without APPOINT_DATABASE_URL the embedded PostgreSQL is used; a new one gets a small demo world. Ctrl-C stops
    everything.
    """
    from ..database import migrate
    from ..identity.oidc.service import read_trust
    from ..server import logs, startup, uvicorn_server
    from ..server import worker as working
    from ..site import assets

    settings = Settings()
    assets.built()
    startup.check_extras(settings)
    working.check(settings)
    read_trust(settings)
    logs.configure(settings)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    listener = uvicorn_server.listen(settings.host, settings.port)
    with console.status("Starting the database") as status, startup.database(settings, say=console.print) as database:
        step = status.update if console.is_terminal else console.print
        asyncio.run(startup.reach(database.url))
        token = _token(settings, console.print)
        settings = startup.with_secret_key(settings)
        step("Bringing the database up to date")
        asyncio.run(migrate.upgrade(database.url))
        pending = settings.data_dir / PENDING_DEMO  # survives an interrupted first start
        if database.fresh:
            pending.touch()
        if not settings.database_url and pending.exists():
            from .. import demo

            step("Loading the demo world")
            with suppress(demo.HasClinics):  # an interrupted start had loaded it
                asyncio.run(
                    demo.load(database.url, size="small", password=startup.demo_password(settings), say=console.print)
                )
            pending.unlink()
        step("Starting the server")

        def ready() -> None:
            status.stop()
            console.print(f"Appoint is at {uvicorn_server.address(listener)} (Ctrl-C stops it)")

        make = partial(uvicorn_server.real, settings, database_url=database.url, admin_token=token, with_worker=True)
        with _until_signal():
            uvicorn_server.serve(settings, listener, make, workers=settings.workers, ready=ready)
        console.print("Stopping")


@app.command
def serve(*, workers: int | None = None, with_worker: bool = False) -> None:
    """Serve the API and pages on a migrated database.

    Parameters
    ----------
    workers
        The number of server processes; the default is APPOINT_WORKERS.
    with_worker
        Run the worker's jobs in the same process.
    """
    from ..identity.oidc.service import read_trust
    from ..server import logs, startup, uvicorn_server
    from ..server import worker as working
    from ..site import assets

    settings = Settings()
    assets.built()
    startup.check_extras(settings)
    working.check(settings)
    read_trust(settings)
    logs.configure(settings)
    listener = uvicorn_server.listen(settings.host, settings.port)
    with startup.database(settings, say=echo) as database:
        asyncio.run(startup.expect_migrated(database.url))
        token = _token(settings, echo)
        settings = startup.with_secret_key(settings)
        make = partial(
            uvicorn_server.real, settings, database_url=database.url, admin_token=token, with_worker=with_worker
        )
        with _until_signal():
            uvicorn_server.serve(
                settings,
                listener,
                make,
                workers=workers or settings.workers,
                ready=lambda: echo(f"Appoint is at {uvicorn_server.address(listener)}"),
            )


@app.command
def worker() -> None:
    """Run background jobs: relay events, send notifications and webhooks, remind, publish slots, expire holds, seal the
    audit. Any number of workers may run."""
    import uvloop

    from ..server import logs, startup
    from ..server import worker as working

    settings = Settings()
    startup.check_extras(settings)
    working.check(settings)
    logs.configure(settings)

    async def work(url: str) -> None:
        stop = asyncio.Event()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await working.run(startup.with_secret_key(settings), url, stop)

    with startup.database(settings, say=echo) as database:
        asyncio.run(startup.expect_migrated(database.url))
        with _until_signal(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(database.url))


@app.command
def migrate() -> None:
    """Migrate the database to this version's schema. Safe to repeat, also concurrently."""
    from ..database import migrate
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:
        asyncio.run(startup.reach(database.url))
        asyncio.run(migrate.upgrade(database.url))
        echo(f"The database is at revision {migrate.newest()}.")


@app.command
def demo(*, size: Literal["small", "large"] = "small", into_existing: bool = False) -> None:
    """Load a demo world into a database that has no clinics yet.

    Parameters
    ----------
    size
        small: three clinics with about twelve doctors; large: 100 clinics, 2,000 doctors and 2 million appointments.
    into_existing
        Load it even if the database has clinics.
    """
    from .. import demo
    from ..server import startup

    settings = Settings()
    with startup.database(settings, say=echo) as database:
        asyncio.run(startup.expect_migrated(database.url))
        asyncio.run(
            demo.load(
                database.url, size=size, into_existing=into_existing, password=startup.demo_password(settings), say=echo
            )
        )


@app.command
def settings(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> None:
    """List all settings with value, default and meaning. Secrets are masked.

    Parameters
    ----------
    as_json
        Print JSON.
    """
    values = Settings()
    rows = [
        {
            "variable": f"APPOINT_{name.upper()}",
            "value": _plain(getattr(values, name)),
            "default": _plain(field.default),
            "meaning": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = Table(Column("variable", no_wrap=True), "value", "default", "meaning")
    for row in rows:
        table.add_row(*(str(value or "") for value in row.values()))
    Console().print(table)


def _plain(value: object) -> Any:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


@app.command
def schema(*, check: bool = False) -> None:
    """Write the schema that the migrations create to src/appoint/database/schema.sql, or check that file.

    Parameters
    ----------
    check
        Change nothing; the exit code is 1 if the file differs.
    """
    from ..database import dump
    from ..kit.errors import StartupError

    text = dump.schema()
    if check and not (dump.FILE.exists() and text == dump.FILE.read_text()):
        raise StartupError(f"{dump.FILE} is not what the migrations make. Run `appoint schema`.")
    if not check:
        dump.FILE.write_text(text)


@app.command
def openapi() -> None:
    """Print the OpenAPI document."""
    from ..http import openapi
    from ..server import app as application

    print(openapi.text(application.create(Settings(), database_url="", admin_token="")), end="")


@app.command
def access() -> None:
    """Print the permissions of all operations, for docs/access.md."""
    from ..http import openapi
    from ..http.routes import route_of
    from ..kit.permissions import document
    from ..server import app as application

    every = openapi.operations(application.create(Settings(), database_url="", admin_token=""))
    print(
        document(
            (str(each.handler.operation_id), each.method, each.path, route_of(each.handler).permission)
            for each in every
        ),
        end="",
    )


@app.command
def mock(*, host: str = "127.0.0.1", port: int = 8001) -> None:
    """Serve a mock of the API for developers of clients: documented examples, without a database.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on; 0 takes any free one.
    """
    from ..server import logs, uvicorn_server
    from ..server import mock as mocking

    settings = Settings()
    logs.configure(settings)
    listener = uvicorn_server.listen(host, port)
    with _until_signal():
        uvicorn_server.serve(
            settings,
            listener,
            mocking.create,
            workers=1,
            ready=lambda: echo(f"The mock is at {uvicorn_server.address(listener)}"),
        )


@app.command
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is psql's
        return subprocess.call([program, database.url, *arguments])  # noqa: S603 -- the operator chooses the arguments
