"""`appoint run`, `serve`, `worker` and `mock`: long-running processes. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from rich.console import Console

from ..settings import Settings
from .output import echo
from .signals import STOP_SIGNALS, until_signal

PENDING_DEMO: Final = ".demo-pending"
"""This file exists in the data directory until the demo world has been loaded."""


def run(*, demo: bool = True) -> None:
    """Start everything on this machine: the database, the API and pages, and the worker.

    If APPOINT_DATABASE_URL is not set, start the embedded PostgreSQL server, and load a small demo world into a new
    database. Unless APPOINT_MODE says otherwise, this is development mode. Ctrl-C stops everything.

    Parameters
    ----------
    demo
        Load the demo world into a new database.
    """
    from ..server import startup, uvicorn_server

    settings = Settings()
    if "mode" not in settings.model_fields_set:
        settings = settings.model_copy(update={"mode": "development"})
    if settings.log_format == "auto" and settings.mode == "development":
        settings = settings.model_copy(update={"log_format": "console"})
    _prepare(settings)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    listener = uvicorn_server.listen(settings.host, settings.port)
    with console.status("Starting the database") as status, startup.database(settings, say=console.print) as database:
        step = status.update if console.is_terminal else console.print
        asyncio.run(startup.reach(database.owner_url))
        secretly = not sys.stdout.isatty()
        token = _token(settings, console.print, secretly=secretly)
        settings = startup.with_secrets(settings)
        step("Bringing the database up to date")
        asyncio.run(startup.migrate_and_prepare(database))
        asyncio.run(startup.expect_servable(settings, database))
        pending = settings.data_dir / PENDING_DEMO  # survives an interrupted first start
        if database.fresh and demo and settings.mode == "development":
            pending.touch()
        if not settings.database_url and pending.exists():
            from .. import demo as demo_world

            step("Loading the demo world")
            with suppress(demo_world.HasClinics):  # an interrupted start may already have loaded it
                login = startup.demo_password(settings, secretly=secretly)._asdict()
                asyncio.run(
                    demo_world.load(
                        database.owner_url,
                        size="small",
                        say=console.print,
                        keys=startup.read_keys(settings),
                        **login,
                    )
                )
            pending.unlink()
        step("Starting the server")

        is_new = asyncio.run(startup.is_new_installation(database.url))

        def ready() -> None:
            status.stop()
            address = uvicorn_server.address(listener)
            console.print(f"Appoint is at {address} (Ctrl-C stops it)")
            if is_new:
                _invite_to_set_up(settings, address, console.print, secretly=secretly)

        make = partial(
            uvicorn_server.create_application, settings, database_url=database.url, admin_token=token, with_worker=True
        )
        with until_signal():
            uvicorn_server.serve(settings, listener, make, workers=settings.workers, ready=ready)
        console.print("Stopping")


def serve(*, workers: int | None = None, with_worker: bool = False) -> None:
    """Serve the API and pages from a migrated database.

    Parameters
    ----------
    workers
        The number of server processes. The default is APPOINT_WORKERS.
    with_worker
        Also run the worker's jobs in the same process.
    """
    from ..server import startup, uvicorn_server

    settings = Settings()
    _prepare(settings)
    listener = uvicorn_server.listen(settings.host, settings.port)
    with startup.database(settings, say=echo) as database:
        asyncio.run(startup.expect_servable(settings, database))
        token = _token(settings, echo, secretly=not sys.stderr.isatty())
        settings = startup.with_secrets(settings)
        is_new = asyncio.run(startup.is_new_installation(database.url))

        def ready() -> None:
            address = uvicorn_server.address(listener)
            echo(f"Appoint is at {address}")
            if is_new:
                _invite_to_set_up(settings, address, echo, secretly=not sys.stderr.isatty())

        make = partial(
            uvicorn_server.create_application,
            settings,
            database_url=database.url,
            admin_token=token,
            with_worker=with_worker,
        )
        with until_signal():
            uvicorn_server.serve(settings, listener, make, workers=workers or settings.workers, ready=ready)


def _invite_to_set_up(settings: Settings, address: str, say: Callable[[str], None], *, secretly: bool) -> None:
    """Explain how to set up a new installation. The link is a secret, so it is printed only to a terminal."""
    from ..server import startup

    if settings.mode == "development":
        say(f"It is new: set it up at {address}/setup")
    elif secretly:
        say("It is new: run `appoint setup-link` for the link to set it up")
    else:
        say(f"It is new: set it up at {startup.setup_link(settings, settings.public_url or address)}")


def _prepare(settings: Settings) -> None:
    """Check that the server has everything it needs and that its settings are valid, and configure logging."""
    from ..server import logs, startup
    from ..site import assets

    assets.built()
    startup.check_extras(settings)
    startup.read_trust(settings)
    startup.check_settings(settings)
    logs.configure(settings)


def _token(settings: Settings, say: Callable[[str], None], *, secretly: bool) -> str:
    """Return the administrator's token. If it has just been created, report where it is stored and, unless `secretly`
    is set, print it. Callers set `secretly` if the output is not a terminal, because it usually ends up in a log.
    """
    from ..server import startup

    token, is_new = startup.admin_token(settings)
    if is_new:
        path = settings.data_dir / "admin-token"
        say(
            f"The administrator's token has been stored in {path}"
            if secretly
            else f"The administrator's token, also stored in {path}:\n  {token}"
        )
    return token


def worker() -> None:
    """Run background jobs: relay events, send notifications, reminders and webhooks, publish slots, expire holds, and
    seal the audit log. You can run any number of workers."""
    import uvloop

    from ..kit import tracing
    from ..server import logs, startup
    from ..server import worker as worker_process

    settings = Settings()
    startup.check_extras(settings)
    startup.check_settings(settings)
    logs.configure(settings)

    async def work(url: str) -> None:
        stop = asyncio.Event()
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if settings.otlp_endpoint:
            tracing.configure(settings.otlp_endpoint)
        try:
            await worker_process.run(startup.with_secrets(settings), url, stop)
        finally:
            await asyncio.to_thread(tracing.close)

    with startup.database(settings, say=echo) as database:
        asyncio.run(startup.expect_servable(settings, database))
        with until_signal(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(database.url))


def mock(*, host: str = "127.0.0.1", port: int = 8001) -> None:
    """Serve a mock of the API for client developers. It returns the documented examples and does not need a database.

    Parameters
    ----------
    host
        The address to listen on.
    port
        The port to listen on; 0 picks any free one.
    """
    from ..server import logs, uvicorn_server
    from ..server import mock as mock_server

    settings = Settings()
    logs.configure(settings)
    listener = uvicorn_server.listen(host, port)
    with until_signal():
        uvicorn_server.serve(
            settings,
            listener,
            mock_server.create,
            workers=1,
            ready=lambda: echo(f"The mock is at {uvicorn_server.address(listener)}"),
        )
