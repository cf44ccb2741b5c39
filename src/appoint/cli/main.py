"""`appoint`: start processes and run maintenance commands.

Commands import what they need when they run, so that `--help` is fast.
"""

import signal
import sys
from importlib.metadata import version

from cyclopts import App
from pydantic import ValidationError
from rich.console import Console

from ..kit.errors import StartupError
from . import (
    admin_tokens,
    audit,
    backups,
    cell_moves,
    cells,
    database,
    documents,
    dumps,
    encryption,
    invariants,
    keys,
    maintenance,
    money,
    networks,
    privacy,
    processes,
    user_access,
    users,
)
from .signals import hang_up, stop

app = App(
    name="appoint",
    help="Appointment booking for clinics. Settings are `APPOINT_*` variables; `appoint settings` lists them.",
    version=lambda: version("appoint"),
    version_flags=["--version"],
)
for group in (
    *maintenance.GROUPS,
    *users.GROUPS,
    *keys.GROUPS,
    *admin_tokens.GROUPS,
    *networks.GROUPS,
    *cells.GROUPS,
    *encryption.GROUPS,
    *audit.GROUPS,
    *privacy.GROUPS,
    *money.GROUPS,
    *database.GROUPS,
):
    app.command(group)
for command in user_access.COMMANDS:
    users.user.command(command)
for command in cell_moves.COMMANDS:
    cells.cell.command(command)
for command in (
    processes.run,
    processes.serve,
    processes.worker,
    users.setup_link,
    database.migrate,
    *backups.COMMANDS,
    *dumps.COMMANDS,
    *invariants.COMMANDS,
    database.demo,
    documents.settings,
    database.schema,
    documents.openapi,
    documents.access,
    processes.mock,
    database.psql,
):
    app.command(command)


def main() -> None:
    """Run a command. Report operational errors as one line with exit code 1; let bugs raise."""
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, hang_up)
    try:
        app(sys.argv[1:])
    except ValidationError as error:
        _fail("; ".join(f"APPOINT_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()))
    except StartupError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"appoint: {message}", markup=False)
    sys.exit(1)
