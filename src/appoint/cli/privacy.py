"""`appoint privacy …`: export or erase a customer's data. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import sys
from typing import Any, Final
from uuid import UUID

from cyclopts import App

from ..kit.ids import PLATFORM
from .session import session

privacy = App(name="privacy", help="A customer's personal data: export it or erase it.")
GROUPS: Final = (privacy,)


@privacy.command(name="export")
def export_customer(customer: UUID) -> None:
    """Print all data about a customer as JSON.

    Parameters
    ----------
    customer
        The customer's id.
    """
    import msgspec

    from .. import audit
    from ..kit import clock, errors
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError
    from ..oversight.privacy import service

    async def work(db: Any) -> Any:
        try:
            export = await service.export(db, customer_id=customer, now=clock.now())
        except errors.NotFound:
            raise StartupError(f"There is no customer {customer}.") from None
        actor = msgspec.structs.replace(COMMAND_LINE, operation="exportCustomer")
        await audit.record(db, actor, clinic_id=PLATFORM, subjects=[customer])
        return export

    with session() as run:
        print(msgspec.json.format(msgspec.json.encode(run(work)), indent=2).decode())


@privacy.command(name="erase")
def erase_customer(customer: UUID, *, yes: bool = False) -> None:
    """Permanently erase all of a customer's personal data. Their appointments remain, but without a name.

    Parameters
    ----------
    customer
        The customer's id.
    yes
        Do not ask for confirmation.
    """
    import msgspec

    from ..kit import clock, errors
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError
    from ..oversight.privacy import service

    if not yes and (not sys.stdin.isatty() or input(f"Erase customer {customer} permanently? Type yes: ") != "yes"):
        raise StartupError("Nothing was erased. Confirm with --yes, or type yes when asked.")
    actor = msgspec.structs.replace(COMMAND_LINE, operation="eraseCustomer")

    async def erase(tx: Any) -> Any:
        try:
            return await service.erase(tx, actor, customer_id=customer, now=clock.now())
        except errors.NotFound:
            raise StartupError(f"There is no customer {customer}.") from None
        except errors.Conflict:
            raise StartupError(
                "Nothing was erased: the customer has upcoming appointments. Cancel them first."
            ) from None

    with session() as run:
        print(msgspec.json.format(msgspec.json.encode(run(lambda db: db.atomic(erase))), indent=2).decode())
