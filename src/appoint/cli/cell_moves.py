"""`appoint cell move`. It imports what it needs when it runs."""
# ruff: noqa: PLC0415

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from ..settings import Settings
from .output import echo


def move(clinic_id: int, cell: str, /, *, dry_run: bool = False, cancel: bool = False) -> None:
    """Move a clinic from this cell to another one while it is in use.

    The clinic's rows are copied first, which can take a while. Then changes to the clinic wait, for at most five
    seconds, until it has moved; if that is not enough, it stays where it is. If the command is interrupted, run it
    again: it continues where it stopped. To move the clinic back, run the command in the other cell.

    APPOINT_TARGET_DATABASE_URL is the database of the other cell. docs/scale.md lists the privileges that both
    databases' owners need.

    Parameters
    ----------
    clinic_id
        The number of the clinic.
    cell
        The name of the cell to move it to.
    dry_run
        Check whether the clinic can be moved, and print how much would be copied, without changing anything.
    cancel
        Stop a move before the clinic has left this cell, and delete the copy.
    """
    from rich.console import Console
    from rich.progress import Progress

    from ..clinics.moves import service
    from ..kit import clock
    from ..kit.errors import StartupError

    if dry_run and cancel:
        raise StartupError("Use either --dry-run or --cancel.")
    if dry_run:
        summary = _run(lambda ends: service.preview(ends, clinic_id, cell))
        echo(
            f"Clinic {clinic_id} can be moved to {cell}: {summary.rows} rows in {summary.tables} tables, and "
            f"{summary.people} people."
        )
        return
    if cancel:
        _run(lambda ends: service.cancel(ends, clinic_id, cell))
        echo(f"Clinic {clinic_id} stays in this cell. Its copy in {cell} is deleted.")
        return
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Checking", total=None)

        def show(step: str, done: int, total: int) -> None:
            progress.update(task, description=step, completed=done, total=total)

        moved = _run(lambda ends: service.move(ends, clinic_id, cell, now=clock.now(), progress=show))
    stop = "" if moved.stop_seconds is None else f" Changes waited for {moved.stop_seconds:.1f} seconds."
    echo(f"Clinic {clinic_id} is now at home in {cell}, with {moved.rows} rows.{stop}")


def _run(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from ..database.moves.model import Ends
    from ..kit.errors import StartupError
    from ..server import startup

    settings = Settings()
    if settings.target_database_url is None:
        raise StartupError("Set APPOINT_TARGET_DATABASE_URL to the database of the cell to move the clinic to.")
    target = settings.target_database_url.get_secret_value()
    with startup.database(settings, say=echo) as database:
        publisher = settings.replication_url.get_secret_value() if settings.replication_url else database.owner_url
        ends = Ends(database.owner_url, target, publisher)

        async def run() -> Any:
            return await work(ends)

        return asyncio.run(run())


COMMANDS = (move,)
