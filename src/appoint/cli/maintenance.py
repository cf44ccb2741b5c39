"""`appoint slots …`, `dead-letters …`, `events …` and `numbers …`: occasional maintenance.

Commands import what they need when they run.
"""
# ruff: noqa: PLC0415

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

from cyclopts import App, Parameter
from rich.console import Console

from .output import echo, table
from .parameters import AsJson, ClinicNumber, MaxRows
from .session import session

slots = App(name="slots", help="Booking slots: when doctors can be booked.")
dead_letters = App(name="dead-letters", help="Notifications that failed permanently: list them or send them again.")
events = App(name="events", help="Events: list or release parked ones, and write the JSON Schemas.")
numbers = App(name="numbers", help="The daily totals behind the reports.")
GROUPS: Final = (slots, dead_letters, events, numbers)


@slots.command
def generate(
    *, clinic: int, first: Annotated[date, Parameter(name="--from")], last: Annotated[date, Parameter(name="--to")]
) -> None:
    """Publish booking slots for a range of dates from a clinic's weekly hours. Running it again does not add anything.

    Parameters
    ----------
    clinic
        The clinic's number.
    first
        The first date, such as 2027-03-01.
    last
        The last date, inclusive; at most 366 days.
    """
    import msgspec

    from ..kit import errors
    from ..kit.actors import COMMAND_LINE
    from ..scheduling.slots import service
    from ..scheduling.slots.model import GenerationRequest

    actor = msgspec.structs.replace(COMMAND_LINE, operation="generateBookingSlots")

    async def work(db: Any) -> str:
        try:
            period = GenerationRequest(clinic_id=clinic, from_=first, to=last)
            generated = await db.atomic(service.generate, actor, clinic_id=clinic, first=period.from_, last=period.to)
        except errors.NotFound:
            raise errors.StartupError(f"There is no clinic {clinic}.") from None
        except errors.Invalid as error:
            raise errors.StartupError(
                " ".join(f"{fault.pointer} {fault.text.format_map(fault.values)}." for fault in error.faults)
            ) from None
        return f"Published {generated.created} new slots; {generated.skipped} schedule lines added nothing new."

    with session() as run:
        echo(run(work))


@dead_letters.command(name="list")
def list_dead_letters(*, clinic: ClinicNumber | None = None, most: MaxRows = 100, as_json: AsJson = False) -> None:
    """List notifications that failed permanently, newest first, with the reasons.

    Parameters
    ----------
    clinic
        Only this clinic.
    most
        The maximum number of rows.
    as_json
        Print JSON.
    """
    from ..messaging.notifications.repository import reads

    with session() as run:
        rows = run(lambda db: reads.list_dead(db, clinic_id=clinic, limit=most))
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
    """Send failed notifications again. Outdated ones are skipped.

    Parameters
    ----------
    ids
        Notification ids, as shown by `dead-letters list`.
    all_
        Send all of them again, instead of giving ids.
    clinic
        With --all, only notifications from this clinic.
    """
    import msgspec

    from ..kit import clock
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError
    from ..messaging.notifications import service
    from ..messaging.notifications.repository import reads

    if all_ == bool(ids):
        raise StartupError("Give either notification ids or --all.")

    actor = msgspec.structs.replace(COMMAND_LINE, operation="resendNotification")

    async def work(db: Any) -> tuple[int, list[str]]:
        selected = [row.id for row in await reads.list_dead(db, clinic_id=clinic, limit=100_000)] if all_ else ids
        skipped: list[str] = []
        for id in selected:
            notification = await reads.find(db, id)
            if notification is None:
                skipped.append(f"{id}: there is no notification with that id.")
            elif notification.status != "dead":
                skipped.append(f"{id}: it is {notification.status}.")
            else:
                await db.atomic(service.resend, actor, notification_id=id, now=clock.now())
        return len(selected) - len(skipped), skipped

    with session() as run:
        queued, skipped = run(work)
    for sentence in skipped:
        echo(sentence)
    echo(f"{queued} will be sent again.")
    if skipped:
        sys.exit(1)


@events.command(name="parked")
def parked_events(*, most: MaxRows = 100) -> None:
    """List events that could not be relayed despite repeated attempts, and the events waiting behind them.

    Parameters
    ----------
    most
        The maximum number of rows.
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
        echo("There are no parked events.")


@events.command(name="release")
def release_events(*ids: UUID, all_: Annotated[bool, Parameter(name="--all")] = False) -> None:
    """Relay parked events again, along with the events waiting behind them.

    Parameters
    ----------
    ids
        Event ids, as shown by `events parked`.
    all_
        Relay all of them again, instead of giving ids.
    """
    import msgspec

    from .. import audit
    from ..events import repository
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError
    from ..kit.ids import PLATFORM

    if all_ == bool(ids):
        raise StartupError("Give either event ids or --all.")
    actor = msgspec.structs.replace(COMMAND_LINE, operation="releaseEvents")

    async def release(tx: Any) -> int:
        released = await repository.release(tx, ids=None if all_ else ids)
        if released:
            await audit.record(tx, actor, clinic_id=PLATFORM, subjects=ids)
        return released

    with session() as run:
        echo(f"{run(lambda db: db.atomic(release))} will be relayed again.")


@events.command(name="schemas")
def event_schemas(*, folder: Path = Path("docs/events")) -> None:
    """Write each event type's JSON Schema to a file.

    Parameters
    ----------
    folder
        The folder for the files.
    """
    from ..events.facts import CATALOGUE
    from ..events.schemas import schema

    folder.mkdir(parents=True, exist_ok=True)
    for type in CATALOGUE:
        (folder / f"{type}.json").write_text(json.dumps(schema(type), indent=1) + "\n")


@numbers.command(name="rebuild")
def rebuild_numbers(*, clinic: ClinicNumber | None = None) -> None:
    """Recalculate every day's totals from appointments and booking slots. Needed after a clinic's time zone has changed
    or someone has edited rows by hand. Safe to repeat.

    Parameters
    ----------
    clinic
        Only this clinic. If omitted, all active clinics.
    """
    from rich.progress import Progress

    from ..oversight.reports import service
    from ..scheduling.slots.repository import list_active_clinics

    async def work(db: Any) -> int:
        clinics = [clinic] if clinic else await list_active_clinics(db)
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("Clinics", total=len(clinics))
            await service.rebuild(db, clinics, done=lambda _: progress.advance(task))
        return len(clinics)

    with session() as run:
        echo(f"Rebuilt the totals for {run(work)} clinics.")
