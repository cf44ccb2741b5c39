"""Write transfers in the transaction of the change that they record."""

from collections.abc import Iterable

from ...database.pool import Transaction
from . import repository
from .model import Posting


async def post(tx: Transaction, clinic_id: int, postings: Iterable[Posting]) -> None:
    """Write a transfer for each posting, except for those of 0."""
    if nonzero := [posting for posting in postings if posting.amount]:
        await repository.insert(tx, clinic_id, nonzero)
