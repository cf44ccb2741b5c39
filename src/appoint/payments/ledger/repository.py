"""SQL for the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Statements
from ...database.sql import load
from ...kit.ids import new_id
from .model import RULES, Posting

INSERT_TRANSFERS: Final = load(__name__, "insert_transfers")


class TransferRow(NamedTuple):
    id: UUID
    created_at: datetime
    rule: str
    debit: str
    credit: str
    currency: str
    amount: int
    stage: str
    customer_id: UUID | None
    invoice_id: UUID | None
    payment_id: UUID | None
    refund_id: UUID | None
    reference: str | None


async def insert(tx: Statements, clinic_id: int, postings: Sequence[Posting]) -> None:
    """Write the transfers of these postings."""
    await tx.execute(
        INSERT_TRANSFERS,
        clinic_id=clinic_id,
        transfers=[
            (
                new_id(clinic_id),
                posting.stage,
                posting.rule,
                *RULES[posting.rule],
                posting.currency,
                posting.amount,
                posting.customer_id,
                posting.invoice_id,
                posting.payment_id,
                posting.allocation_id,
                posting.refund_id,
                posting.reference,
                posting.resolves_id,
            )
            for posting in postings
        ],
    )


async def list_transfers(
    db: Statements, clinic_id: int, *, since: datetime, until: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> list[TransferRow]:
    """Return a clinic's transfers in a range of time, oldest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        """
        select id, created_at, rule, debit, credit, currency, amount, stage, customer_id, invoice_id, payment_id,
               refund_id, reference
          from transfer
         where clinic_id = $1 and created_at >= $2 and created_at < $3
           and ($4::timestamptz is null or (created_at, id) > ($4, $5::uuid))
         order by created_at, id
         limit $6 + 1
        """,
        clinic_id,
        since,
        until,
        *(after or (None, None)),
        limit,
    )
    return [TransferRow(*row) for row in rows]
