"""Write transfers in the transaction of the change that they record, and export them."""

from collections.abc import Iterable
from datetime import date
from typing import Final

from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from . import repository
from .formats import FORMATS, Format, LedgerClinic
from .model import Posting

MAX_EXPORTED: Final = 1_000_000
"""The maximum number of transfers in one file."""


async def post(tx: Transaction, clinic_id: int, postings: Iterable[Posting]) -> None:
    """Write a transfer for each posting, except for those of 0."""
    if nonzero := [posting for posting in postings if posting.amount]:
        await repository.insert(tx, clinic_id, nonzero)


async def export(
    db: Statements,
    clinic_id: int,
    *,
    format: Format,
    language: str,
    first_day: date | None = None,
    last_day: date | None = None,
) -> str:
    """Return a clinic's transfers in a range of days as a file for a reader with this language tag, oldest first. Raise
    `NotFound`."""
    clinic = await clinics.get(db, clinic_id)
    transfers = await repository.list_transfers(
        db, clinic_id, first_day=first_day, last_day=last_day, after=None, limit=MAX_EXPORTED
    )
    return FORMATS[format](transfers[:MAX_EXPORTED], LedgerClinic(clinic.name, clinic.time_zone, language))
