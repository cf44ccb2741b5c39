"""`appoint audit …`: read the audit log, export its heads and verify it."""
# ruff: noqa: PLC0415

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, Parameter, validators

from ..kit.ids import MAX_CLINIC_ID, PLATFORM
from ..settings import Settings
from .output import echo, table
from .parameters import AsJson, MaxRows
from .session import session

if TYPE_CHECKING:
    from ..audit.model import AuditHead, Key
    from ..audit.walk import ClinicReport

audit = App(name="audit", help="The audit log of changes and access: read it, export its heads and verify it.")
Number = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=MAX_CLINIC_ID))]
GROUPS: Final = (audit,)


def _key() -> "Key":
    from ..audit.model import Key
    from ..server.startup import with_secret_key

    secret = with_secret_key(Settings()).secret_key
    assert secret, "created by with_secret_key"
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
    most: MaxRows = 100,
    as_json: AsJson = False,
) -> None:
    """List audit entries, oldest first.

    Parameters
    ----------
    clinic
        The clinic's number; 0 for the platform.
    first
        The first date.
    last
        The last date, inclusive.
    actor
        Only actors of this kind (user), or this actor (user:…).
    action
        Only this operation, such as cancelAppointment.
    subject
        Only entries about this subject.
    most
        The maximum number of entries.
    as_json
        Print JSON, one entry per line.
    """
    import msgspec

    from ..audit import service
    from ..audit.model import EntryFilter
    from ..kit import errors
    from ..kit.errors import StartupError

    async def work(db: Any) -> Any:
        try:
            return await service.entries(
                db,
                clinic_id=clinic,
                matching=EntryFilter(first, last, actor, action, subject),
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
        echo(f"Only the first {most} are listed. Use --from or --most to see more.")


@audit.command(name="head")
def export_head(*, clinic: Number | None = None) -> None:
    """Print the signed head of each clinic's audit log as JSON. Keep it out of reach of anyone who can change the
    database.

    Parameters
    ----------
    clinic
        The clinic's number; 0 for the platform. If omitted, print all heads, one per line.
    """
    import msgspec

    from ..audit import service
    from ..kit.errors import StartupError

    async def work(db: Any) -> list[Any]:
        return [head for head in await service.heads(db) if clinic in (None, head.clinic_id)]

    with session() as run:
        heads = run(work)
    if clinic is not None and not heads:
        raise StartupError(f"Clinic {clinic} has no sealed entries.")
    for head in heads:
        print(msgspec.json.encode(head).decode())


@audit.command
def verify(*, clinic: Number | None = None, head: list[Path] | None = None, as_json: AsJson = False) -> None:
    """Verify that no sealed entries have been changed, added or moved, and that none are missing, except for old ones
    that were deleted because of APPOINT_AUDIT_YEARS. The exit code is 1 if a check fails.

    Parameters
    ----------
    clinic
        Only this clinic's audit log; 0 for the platform.
    head
        A file of previously exported heads, or a directory with several of them. They reveal whether a chain has since
        been shortened, or has been rewritten by someone who has the key. Repeatable. By default, the files in
        APPOINT_AUDIT_EXPORT_DIR.
    as_json
        Print JSON, one clinic per line.
    """
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from ..audit import service
    from ..audit.repository import chain
    from ..kit import clock

    directory = Settings().audit_export_dir
    paths = head or ([directory] if directory else [])
    exported = [each for path in paths for each in _read(path) if clinic in (None, each.clinic_id)]
    key = _key()

    async def work(db: Any) -> bool:
        positions: dict[int, int] = {
            row.clinic_id: row.position or 0 for row in await chain.chains(db) if clinic in (None, row.clinic_id)
        }
        numbers = sorted(positions.keys() | {each.clinic_id for each in exported})
        intact = True
        with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("Checking", total=sum(positions.values()))
            reports = service.verify(
                db,
                clinic_ids=numbers,
                public_key=key.public,
                exported=exported,
                now=clock.now(),
                on_progress=lambda count: progress.advance(task, count),
            )
            async for report in reports:
                intact = intact and not report.faults
                print(msgspec.json.encode(report).decode() if as_json else _describe(report))
        return intact

    with session() as run:
        intact = run(work)
    if not intact:
        sys.exit(1)


def _read(path: Path) -> "list[AuditHead]":
    import msgspec

    from ..audit.service import read_heads
    from ..kit.errors import StartupError

    if path.is_dir():
        return [head for file in sorted(path.glob("*.jsonl")) for head in _read(file)]
    try:
        return read_heads(path.read_bytes())
    except OSError as error:
        raise StartupError(f"{path} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise StartupError(
            f"{path} does not contain heads in the format that `appoint audit head` prints: {error}."
        ) from error


def _describe(report: "ClinicReport") -> str:
    name = f"clinic {report.clinic_id}" if report.clinic_id else "the platform"
    tail = (
        f"; {report.unsealed:,} not sealed yet, the oldest waiting for {report.oldest_seconds:,.0f} seconds"
        if report.unsealed
        else ""
    )
    deleted = f"; {report.deleted:,} older ones deleted" if report.deleted else ""
    state = "NOT intact" if report.faults else "all intact"
    lines = [f"{name}: {report.entries:,} sealed entries, {state}{deleted}{tail}"]
    return "\n".join(
        [
            *lines,
            *(
                f"  {'' if fault.position is None else f'position {fault.position}: '}{fault.text}"
                for fault in report.faults
            ),
        ]
    )


@audit.command(name="re-sign")
def re_sign(*, public_key: str) -> None:
    """Sign all heads again after changing APPOINT_SECRET_KEY. Until you do, no further entries are sealed.

    Parameters
    ----------
    public_key
        The public half of the old key, taken from a previously exported head.
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
                        service.re_sign,
                        clinic_id=row.clinic_id,
                        old_public_key=public_key,
                        key=key,
                        now=clock.now(),
                    )
                except service.ChainBroken as error:
                    raise StartupError(
                        f"Clinic {row.clinic_id}: {error}. Run `appoint audit verify` for details."
                    ) from None
        actor = msgspec.structs.replace(COMMAND_LINE, operation="signAuditAnew")
        await record(db, actor, clinic_id=PLATFORM, subjects=[])
        return signed

    with session() as run:
        echo(f"Signed {run(work)} heads again.")
