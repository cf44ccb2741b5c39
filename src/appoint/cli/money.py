"""`appoint money`: export a clinic's books."""
# ruff: noqa: PLC0415

from datetime import date
from typing import Any, Final, Literal

from cyclopts import App

from .parameters import ClinicNumber
from .session import session

money: Final = App(name="money", help="Export a clinic's books.")
GROUPS: Final = [money]


@money.command
def export(
    clinic: ClinicNumber,
    *,
    format: Literal["beancount", "csv"] = "beancount",
    first_day: date | None = None,
    last_day: date | None = None,
) -> None:
    """Print a clinic's ledger.

    Parameters
    ----------
    clinic
        The clinic's number.
    format
        Beancount, or CSV with amounts in minor units.
    first_day
        Leave out earlier transfers.
    last_day
        Leave out later transfers.
    """
    import msgspec

    from .. import audit
    from ..kit import errors
    from ..kit.actors import COMMAND_LINE
    from ..kit.errors import StartupError
    from ..payments.ledger import service

    async def work(db: Any) -> str:
        try:
            ledger = await service.export(
                db, clinic, format=format, language="en", first_day=first_day, last_day=last_day
            )
        except errors.NotFound:
            raise StartupError(f"There is no clinic {clinic}.") from None
        actor = msgspec.structs.replace(COMMAND_LINE, operation="exportLedger")
        await audit.record(db, actor, clinic_id=clinic, subjects=[str(clinic)])
        return ledger

    with session() as run:
        print(run(work), end="")
