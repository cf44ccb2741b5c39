"""`appoint audit …`: reading the audit by hand, exporting its heads, and checking that nobody has changed it."""
# ruff: noqa: PLC0415

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, Parameter, validators
from rich.console import Console
from rich.progress import Progress

from ..kit.ids import MAX_CLINIC_ID, PLATFORM
from ..settings import Settings
from .maintenance import Most, echo, session, table

if TYPE_CHECKING:
    from ..audit.model import AuditHead, ClinicReport, Key

audit = App(name="audit", help="Who has changed and seen what, and whether that is still what was written down.")
Number = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=MAX_CLINIC_ID))]
AsJson = Annotated[bool, Parameter(name="--json")]
GROUPS: Final = (audit,)


def _key() -> "Key":
    from ..audit.model import Key
    from ..server.startup import with_secret_key

    secret = with_secret_key(Settings()).secret_key
    assert secret, "just made"
    return Key(secret.get_secret_value())


@audit.command(name="list")
def list_entries(
    *,
    clinic: Number,
    first: Annotated[date | None, Parameter(name="--from")] = None,
    last: Annotated[date | None, Parameter(name="--to")] = None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    most: Most = 100,
    as_json: AsJson = False,
) -> None:
    """List who has done and seen what, oldest first.

    Parameters
    ----------
    clinic
        The clinic's number; 0 is the platform.
    first
        The first date.
    last
        The last date, which is included.
    actor
        Only who is of this kind (user), or this one (user:…).
    action
        Only this operation, such as cancelAppointment.
    subject
        Only what was done to this, or showed it.
    most
        How many at most.
    as_json
        As JSON, an entry a line.
    """
    import msgspec

    from ..audit import service
    from ..kit import errors
    from ..kit.errors import StartupError

    async def work(db: Any) -> Any:
        try:
            return await service.entries(
                db,
                clinic_id=clinic,
                first=first,
                last=last,
                actor=actor,
                action=action,
                subject=subject,
                limit=most,
            )
        except errors.NotFound:
            raise StartupError(f"There is no clinic {clinic}.") from None

    with session() as run:
        entries = run(work).entries
    if as_json:
        for entry in entries[:most]:
            print(msgspec.json.encode(entry).decode())
    else:
        table(
            ["at", "actor", "action", "subjects", "address", "request", "reason", "position"],
            [
                (
                    f"{entry.at:%Y-%m-%d %H:%M:%S}Z",
                    ":".join(filter(None, [entry.actor.kind, entry.actor.id])),
                    entry.action,
                    " ".join(entry.subjects),
                    entry.address or "",
                    entry.request_id or "",
                    entry.reason or "",
                    entry.position or "",
                )
                for entry in entries[:most]
            ],
        )
    if len(entries) > most:
        echo(f"These are the first {most}: --from and --most show more.")


@audit.command(name="head")
def export_head(*, clinic: Number | None = None) -> None:
    """Print how far the audit is sealed, signed, as JSON. Keep it where nobody who can change the database can change
    it.

    Parameters
    ----------
    clinic
        The clinic's number, 0 is the platform; all of them when not given, a head a line.
    """
    import msgspec

    from ..audit import service
    from ..audit.repository import chain
    from ..kit.errors import StartupError

    async def work(db: Any) -> list[Any]:
        numbers = [
            row.clinic_id
            for row in await chain.chains(db)
            if row.position is not None and clinic in (None, row.clinic_id)
        ]
        return [await service.head(db, clinic_id=number) for number in numbers]

    with session() as run:
        heads = run(work)
    if clinic is not None and not heads:
        raise StartupError(f"Nothing is sealed of clinic {clinic}.")
    for head in heads:
        print(msgspec.json.encode(head).decode())


@audit.command
def verify(*, clinic: Number | None = None, head: list[Path] | None = None, as_json: AsJson = False) -> None:
    """Check every sealed entry, from the first one on: that none was changed, deleted, added, moved or cut off. Exit
    code 1 when something is wrong.

    Parameters
    ----------
    clinic
        Only this clinic's; 0 is the platform.
    head
        A file with heads that were exported earlier: also finds a chain that was cut back or rewritten since, with the
        key. Can be repeated.
    as_json
        As JSON, a clinic a line.
    """
    import msgspec

    from ..audit import service
    from ..audit.repository import chain
    from ..kit import clock

    exported = [each for path in head or [] for each in _read(path) if clinic in (None, each.clinic_id)]
    key = _key()

    async def work(db: Any) -> bool:
        known: dict[int, int] = {
            row.clinic_id: row.position or 0 for row in await chain.chains(db) if clinic in (None, row.clinic_id)
        }
        numbers = sorted(known.keys() | {each.clinic_id for each in exported})
        whole = True
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("Checking", total=sum(known.values()))
            reports = service.verify(
                db,
                clinic_ids=numbers,
                public_key=key.public,
                exported=exported,
                now=clock.now(),
                passed=lambda count: progress.advance(task, count),
            )
            async for report in reports:
                whole = whole and not report.faults
                print(msgspec.json.encode(report).decode() if as_json else _told(report))
        return whole

    with session() as run:
        whole = run(work)
    if not whole:
        sys.exit(1)


def _read(path: Path) -> "list[AuditHead]":
    import msgspec

    from ..audit.service import read_heads
    from ..kit.errors import StartupError

    try:
        return read_heads(path.read_bytes())
    except OSError as error:
        raise StartupError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise StartupError(f"{path} does not hold heads as `appoint audit head` prints them: {error}.") from error


def _told(report: "ClinicReport") -> str:
    name = f"clinic {report.clinic_id}" if report.clinic_id else "the platform"
    tail = (
        f"; {report.unsealed:,} not sealed yet, the oldest for {report.oldest_seconds:,.0f} seconds"
        if report.unsealed
        else ""
    )
    lines = [
        f"{name}: {report.entries:,} sealed entries, {'NOT whole' if report.faults else 'all as they were sealed'}{tail}"
    ]
    return "\n".join(
        [
            *lines,
            *(
                f"  {'' if fault.position is None else f'position {fault.position}: '}{fault.text}"
                for fault in report.faults
            ),
        ]
    )


@audit.command(name="sign-anew")
def sign_anew(*, public_key: str) -> None:
    """Sign all heads with this installation's key, after APPOINT_SECRET_KEY was changed: until then nothing is sealed
    behind them.

    Parameters
    ----------
    public_key
        The old key's public half, from a head that was exported before.
    """
    import msgspec

    from ..audit import record, service
    from ..audit.repository import chain
    from ..kit import clock
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError

    key = _key()

    async def work(db: Any) -> int:
        signed = 0
        for row in await chain.chains(db):
            if row.position is not None:
                try:
                    signed += await db.sealing().atomic(
                        service.sign_anew,
                        clinic_id=row.clinic_id,
                        old_public_key=public_key,
                        key=key,
                        now=clock.now(),
                    )
                except service.Broken as error:
                    raise StartupError(f"Clinic {row.clinic_id}: {error}. `appoint audit verify` says more.") from None
        actor = msgspec.structs.replace(COMMAND_LINE, doing="signAuditAnew")
        await record(db, actor, clinic_id=PLATFORM, subjects=[])
        return signed

    with session() as run:
        echo(f"{run(work)} heads are signed anew.")
