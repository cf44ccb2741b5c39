"""`appoint slots …`, `dead-letters …`, `events …`, `numbers …`: what is done by hand, now and then. What a command
needs is imported when it runs."""
# ruff: noqa: PLC0415

import asyncio
import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

from cyclopts import App, Parameter, validators
from rich.console import Console
from rich.table import Column, Table

from ..kit.ids import MAX_CLINIC_ID
from ..settings import Settings

slots = App(name="slots", help="Booking slots: when doctors can be booked.")
dead_letters = App(name="dead-letters", help="Notifications that could not be sent, and will not be unless you say so.")
events = App(name="events", help="What happened: events that wait, and their schemas.")
numbers = App(name="numbers", help="The sums behind the numbers of a clinic.")
ClinicNumber = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=MAX_CLINIC_ID))]
Most = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=100_000))]
GROUPS: Final = (slots, dead_letters, events, numbers)


def echo(text: str) -> None:
    """To a person, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


@slots.command
def generate(
    *, clinic: int, first: Annotated[date, Parameter(name="--from")], last: Annotated[date, Parameter(name="--to")]
) -> None:
    """Publish what a clinic's weekly schedules give on some dates. Twice gives nothing new.

    Parameters
    ----------
    clinic
        The clinic's number.
    first
        The first date, such as 2027-03-01.
    last
        The last date, which is included; 366 days at most.
    """
    import msgspec

    from ..kit import errors
    from ..kit.actors import COMMAND_LINE
    from ..scheduling.slots import service
    from ..scheduling.slots.model import GenerationRequest

    actor = msgspec.structs.replace(COMMAND_LINE, doing="generateBookingSlots")

    async def work(db: Any) -> str:
        try:
            asked = GenerationRequest(clinic_id=clinic, from_=first, to=last)
            done = await db.atomic(service.generate, actor, clinic_id=clinic, first=asked.from_, last=asked.to)
        except errors.NotFound:
            raise errors.StartupError(f"There is no clinic {clinic}.") from None
        except errors.Invalid as error:
            raise errors.StartupError(
                " ".join(f"{fault.pointer} {fault.text.format_map(fault.values)}." for fault in error.faults)
            ) from None
        return f"{done.created} slots are new; {done.skipped} lines of schedules gave nothing new."

    with session() as run:
        echo(run(work))


@contextmanager
def session() -> Generator[Callable[[Callable[[Any], Any]], Any]]:
    """Runs `work(db)` on a migrated database."""
    from ..database.pool import ACROSS, connect
    from ..server import startup

    with startup.database(Settings(), say=echo) as database:

        async def run(work: Callable[[Any], Any]) -> Any:
            await startup.expect_migrated(database.url)
            db = connect(database.url, size=1, wait_seconds=10, statement_seconds=600, role=ACROSS)
            try:
                return await work(db)
            finally:
                await db.close()

        yield lambda work: asyncio.run(run(work))


@dead_letters.command(name="list")
def list_dead_letters(
    *, clinic: ClinicNumber | None = None, most: Most = 100, as_json: Annotated[bool, Parameter(name="--json")] = False
) -> None:
    """List notifications that could not be sent, newest first, each with the reason.

    Parameters
    ----------
    clinic
        Only this clinic's.
    most
        How many at most.
    as_json
        As JSON.
    """
    from ..messaging.notifications.repository import reads

    with session() as run:
        rows = run(lambda db: reads.list_dead(db, clinic_id=clinic, most=most))
    if as_json:
        print(json.dumps([row._asdict() for row in rows], indent=2, default=str))
    elif rows:
        table(
            ["clinic", "id", "kind", "channel", "tries", "since", "reason"],
            [
                (
                    row.clinic_id,
                    row.id,
                    row.kind,
                    row.channel,
                    row.attempts,
                    f"{row.updated_at:%Y-%m-%d %H:%M}Z",
                    row.reason,
                )
                for row in rows
            ],
        )
    else:
        echo("There are no dead letters.")


@dead_letters.command(name="resend")
def resend_dead_letters(
    *ids: UUID, all_: Annotated[bool, Parameter(name="--all")] = False, clinic: ClinicNumber | None = None
) -> None:
    """Send notifications once more that could not be sent. What is not so any more is not sent all the same.

    Parameters
    ----------
    ids
        Of the notifications, as `dead-letters list` shows them.
    all_
        All there are, instead of ids.
    clinic
        With --all: only this clinic's.
    """
    import msgspec

    from ..kit import clock
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError
    from ..messaging.notifications import service
    from ..messaging.notifications.repository import reads

    if all_ == bool(ids):
        raise StartupError("Name the notifications by their ids, or say --all, and not both.")

    actor = msgspec.structs.replace(COMMAND_LINE, doing="resendNotification")

    async def work(db: Any) -> tuple[int, list[str]]:
        wanted = [row.id for row in await reads.list_dead(db, clinic_id=clinic, most=100_000)] if all_ else ids
        refused: list[str] = []
        for id in wanted:
            found = await reads.find(db, id)
            if found is None:
                refused.append(f"{id}: there is none of that id.")
            elif found.status != "dead":
                refused.append(f"{id}: it is {found.status}.")
            else:
                await db.atomic(service.resend, actor, notification_id=id, now=clock.now())
        return len(wanted) - len(refused), refused

    with session() as run:
        queued, refused = run(work)
    for sentence in refused:
        echo(sentence)
    echo(f"{queued} will be sent again.")
    if refused:
        sys.exit(1)


@events.command(name="parked")
def parked_events(*, most: Most = 100) -> None:
    """List events that could not be told after all their tries, and those that wait behind them.

    Parameters
    ----------
    most
        How many at most.
    """
    from ..events import repository

    with session() as run:
        rows = run(lambda db: repository.list_parked(db, limit=most))
    if rows:
        table(
            ["clinic", "id", "type", "subject", "version", "tries", "fault"],
            [
                (row.clinic_id, row.id, row.type, row.subject_id, row.subject_version, row.attempts, row.fault)
                for row in rows
            ],
        )
    else:
        echo("No event is parked.")


@events.command(name="release")
def release_events(*ids: UUID, all_: Annotated[bool, Parameter(name="--all")] = False) -> None:
    """Try parked events again, with those that wait behind them.

    Parameters
    ----------
    ids
        Of the events, as `events parked` shows them.
    all_
        All there are, instead of ids.
    """
    import msgspec

    from .. import audit
    from ..events import repository
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError
    from ..kit.ids import PLATFORM

    if all_ == bool(ids):
        raise StartupError("Name the events by their ids, or say --all, and not both.")
    actor = msgspec.structs.replace(COMMAND_LINE, doing="releaseEvents")

    async def release(tx: Any) -> int:
        released = await repository.release(tx, ids=None if all_ else ids)
        if released:
            await audit.record(tx, actor, clinic_id=PLATFORM, subjects=ids)
        return released

    with session() as run:
        echo(f"{run(lambda db: db.atomic(release))} will be told again.")


@events.command(name="schemas")
def event_schemas(*, folder: Path = Path("docs/events")) -> None:
    """Write the JSON Schema of every event, one file each.

    Parameters
    ----------
    folder
        Where to.
    """
    from ..events.model import CATALOGUE, schema

    folder.mkdir(parents=True, exist_ok=True)
    for type in CATALOGUE:
        (folder / f"{type}.json").write_text(json.dumps(schema(type), indent=1) + "\n")


def table(columns: list[str], rows: list[tuple[object, ...]]) -> None:
    table = Table(*(Column(column, no_wrap=column == "id") for column in columns))
    for row in rows:
        table.add_row(*map(str, row))
    console = Console()
    if not console.is_terminal:  # nobody's window is narrow
        console.width = 200
    console.print(table)


@numbers.command(name="rebuild")
def rebuild_numbers(*, clinic: ClinicNumber | None = None) -> None:
    """Sum all days anew from appointments and booking slots: after a change of a clinic's time zone, or of rows by
    hand. Twice gives the same.

    Parameters
    ----------
    clinic
        Only this clinic's; otherwise all clinics' in use.
    """
    from rich.progress import Progress

    from ..oversight.reports import service
    from ..scheduling.slots.repository import active_clinics

    async def work(db: Any) -> int:
        clinics = [clinic] if clinic else await active_clinics(db)
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("Clinics", total=len(clinics))
            await service.rebuild(db, clinics, done=lambda _: progress.advance(task))
        return len(clinics)

    with session() as run:
        echo(f"The days of {run(work)} clinics are summed.")
