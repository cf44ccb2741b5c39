"""SQL for document numbers."""

from uuid import UUID

from ...database.pool import Statements
from .model import DocumentNumber


async def take_number(
    tx: Statements, clinic_id: int, series: str, *, invoice_id: UUID | None = None, payment_id: UUID | None = None
) -> DocumentNumber:
    """Give a document the next number in a series. Others who need one wait until the transaction ends, so a number
    that is rolled back goes to the next one."""
    await tx.execute(
        """
        insert into number_series (clinic_id, series) values ($1, $2)
        on conflict (clinic_id, series) do update set series = excluded.series
        """,
        clinic_id,
        series,
    )
    number = await tx.fetchval(
        """
        insert into document_number (clinic_id, series, number, invoice_id, payment_id)
        select $1, $2, coalesce(max(number), 0) + 1, $3::uuid, $4::uuid
          from document_number
         where clinic_id = $1 and series = $2
        returning number
        """,
        clinic_id,
        series,
        invoice_id,
        payment_id,
    )
    return DocumentNumber(series, number)
