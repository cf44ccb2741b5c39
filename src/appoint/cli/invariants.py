"""`appoint check`: check the stored data for violated rules."""
# ruff: noqa: PLC0415

import sys
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter, validators

from ..kit.ids import MAX_CLINIC_ID
from .output import echo
from .parameters import AsJson
from .session import session

if TYPE_CHECKING:
    from ..database.pool import Database
    from ..oversight.invariants.model import InvariantReport

Number = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=MAX_CLINIC_ID))]
MAX_SHOWN: Final = 5


def check(*, clinic: Number | None = None, as_json: AsJson = False) -> None:
    """Check that the database is complete and that all stored data follows the rules: no overlapping appointments,
    nothing outside published hours, amounts that add up, and many more. The exit code is 1 if a rule is violated.

    The check only reads data, and can run while Appoint is in use. `appoint check-database` checks only the schema and
    the privileges, in a second; `appoint audit verify` also recomputes the audit log's hashes.

    Parameters
    ----------
    clinic
        Only this clinic's data; 0 for the platform.
    as_json
        Print JSON, one clinic per line.
    """
    with session() as run:
        reports = run(lambda db: run_checks(db, clinic=clinic, as_json=as_json))
    conclude(reports)


async def run_checks(db: "Database", *, clinic: int | None, as_json: bool) -> "list[InvariantReport]":
    """Check one clinic or all, and print what violates a rule. Raise `StartupError` for an unknown clinic."""
    import msgspec
    from rich.console import Console
    from rich.progress import Progress

    from ..kit import errors
    from ..kit.errors import StartupError
    from ..oversight.invariants import service

    try:
        if clinic is not None:
            await service.expect_clinic(db, clinic)
    except errors.NotFound:
        raise StartupError(f"There is no clinic {clinic}.") from None
    clinic_ids = await service.list_clinics(db) if clinic is None else [clinic]
    reports = list["InvariantReport"]()
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Checking", total=service.count_invariants(clinic_ids))
        checks = service.check(db, clinic_ids=clinic_ids, on_progress=lambda count: progress.advance(task, count))
        async for report in checks:
            reports.append(report)
            if as_json:
                print(msgspec.json.encode(report).decode())
            else:
                print("".join(f"{line}\n" for line in _describe(report)), end="")
    return reports


def conclude(reports: "list[InvariantReport]") -> None:
    """Report whether all rules hold. Exit with code 1 if one is violated."""
    count = sum(violation.count for report in reports for violation in report.violations)
    if count:
        echo(f"Violations: {count}.")
        sys.exit(1)
    echo(f"All rules hold. Checks: {sum(report.checked for report in reports)}.")


def _describe(report: "InvariantReport") -> list[str]:
    place = f"Clinic {report.clinic_id}" if report.clinic_id else "The platform"
    lines = list[str]()
    for violation in report.violations:
        more = violation.count - MAX_SHOWN
        subjects = ", ".join(violation.subjects[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
        lines += [f"{place}, {violation.invariant}: {violation.meaning}", f"  violated by {subjects}"]
    return lines


COMMANDS: Final = (check,)
