"""`appoint privacy …`: what is held about a person. What a command needs is imported when it runs."""
# ruff: noqa: PLC0415

import sys
from typing import Any, Final
from uuid import UUID

from cyclopts import App

from ..kit.ids import PLATFORM
from .maintenance import session

privacy = App(name="privacy", help="What is held about a person: all of it for them, or none of it any more.")
GROUPS: Final = (privacy,)


@privacy.command(name="export")
def export_customer(customer: UUID) -> None:
    """Print everything that is held about a customer, as JSON.

    Parameters
    ----------
    customer
        The customer's id.
    """
    import msgspec

    from ..http.repository import record
    from ..kit import clock, errors
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import CannotStart
    from ..oversight.privacy import service

    async def work(db: Any) -> Any:
        try:
            found = await service.export(db, customer_id=customer, now=clock.now())
        except errors.NotFound:
            raise CannotStart(f"There is no customer {customer}.") from None
        by = msgspec.structs.replace(COMMAND_LINE, doing="exportCustomer")
        await record(db, by, clinic_id=PLATFORM, subjects=[str(customer)], reason=None)
        return found

    with session() as run:
        print(msgspec.json.format(msgspec.json.encode(run(work)), indent=2).decode())


@privacy.command(name="erase")
def erase_customer(customer: UUID, *, yes: bool = False) -> None:
    """Erase everything that is known of a customer, for good. Their appointments stay, without them.

    Parameters
    ----------
    customer
        The customer's id.
    yes
        Do not ask.
    """
    import msgspec

    from ..http.repository import record
    from ..kit import clock, errors
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import CannotStart
    from ..oversight.privacy import service

    if not yes and (not sys.stdin.isatty() or input(f"Erase customer {customer} for good? Type yes: ") != "yes"):
        raise CannotStart("Nothing was erased. Say --yes, or type it when asked.")
    by = msgspec.structs.replace(COMMAND_LINE, doing="eraseCustomer")

    async def erase(tx: Any) -> Any:
        try:
            done = await service.erase(tx, by, customer_id=customer, now=clock.now())
        except errors.NotFound:
            raise CannotStart(f"There is no customer {customer}.") from None
        except errors.Conflict:
            raise CannotStart(
                "Nothing was erased: appointments of theirs are still to come. Cancel them first."
            ) from None
        await record(tx, by, clinic_id=PLATFORM, subjects=[str(customer)], reason=None)
        return done

    with session() as run:
        print(msgspec.json.format(msgspec.json.encode(run(lambda db: db.atomic(erase))), indent=2).decode())
