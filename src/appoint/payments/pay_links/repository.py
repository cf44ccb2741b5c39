"""SQL for payment links."""

from collections.abc import Sequence
from uuid import UUID

from ...database.pool import Statements
from ...kit.ids import clinic_of


async def get_number(db: Statements, invoice_id: UUID) -> int:
    """Return the number of an invoice's current link."""
    number = await db.fetchval(
        "select number from pay_link where clinic_id = $1 and invoice_id = $2", clinic_of(invoice_id), invoice_id
    )
    return number or 1


async def load_numbers(db: Statements, invoice_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the numbers of the invoices' current links."""
    rows = await db.fetch(
        """
        select invoice_id, number
          from pay_link
         where (clinic_id, invoice_id) in (select * from unnest($1::integer[], $2::uuid[]))
        """,
        [clinic_of(invoice_id) for invoice_id in invoice_ids],
        invoice_ids,
    )
    return dict.fromkeys(invoice_ids, 1) | {row.invoice_id: row.number for row in rows}


async def revoke(tx: Statements, invoice_id: UUID) -> None:
    """Increase the number that an invoice's links contain, so that earlier ones stop working."""
    await tx.execute(
        """
        insert into pay_link as l (clinic_id, invoice_id, number) values ($1, $2, 2)
        on conflict (clinic_id, invoice_id) do update set number = l.number + 1
        """,
        clinic_of(invoice_id),
        invoice_id,
    )
