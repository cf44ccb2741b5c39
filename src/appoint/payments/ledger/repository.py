"""SQL for the ledger."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ...database.pool import Statements
from ...database.sql import load
from ...kit.ids import new_id
from ...kit.money import Money
from .model import RULES, Posting, Transfer

INSERT_TRANSFERS: Final = load(__name__, "insert_transfers")


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
    db: Statements,
    clinic_id: int,
    *,
    first_day: date | None,
    last_day: date | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Transfer]:
    """Return a clinic's transfers in a range of days, oldest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        """
        select id, created_at, rule, debit, credit, currency, amount, stage, customer_id, invoice_id, payment_id,
               refund_id, reference
          from transfer
         where clinic_id = $1
           and ($2::date is null
                or created_at >= (select local_instant($2::date, 0, time_zone) from clinic where id = $1))
           and ($3::date is null
                or created_at < (select local_instant($3::date + 1, 0, time_zone) from clinic where id = $1))
           and ($4::timestamptz is null or (created_at, id) > ($4, $5::uuid))
         order by created_at, id
         limit $6 + 1
        """,
        clinic_id,
        first_day,
        last_day,
        *(after or (None, None)),
        limit,
    )
    names = ("id", "created_at", "rule", "debit", "credit", "stage", "customer_id", "invoice_id", "payment_id",
             "refund_id", "reference")  # fmt: skip
    return [Transfer(amount=Money(row.amount, row.currency), **{name: row[name] for name in names}) for row in rows]
