"""SQL for invoices as documents."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from ...database.pool import Statements
from ...database.sql import load
from ..numbers.model import format_number
from ..parties import Party
from ..tax import LineAmounts, Tax
from .model import InvoiceKind

FIND_INVOICE: Final = load(__name__, "find_invoice")


class StoredLine(msgspec.Struct, frozen=True, rename="camel"):
    """A line as the statement returns it."""

    description: str
    supplied_on: date | None
    quantity: int
    unit_amount: int
    discount_amount: int
    includes_tax: bool
    tax: Tax
    amounts: LineAmounts
    doctor: str | None
    start_time: datetime | None


class StoredInvoice(msgspec.Struct, frozen=True):
    """An issued invoice or credit note."""

    customer_id: UUID
    kind: InvoiceKind
    series: str
    number: int
    issued_at: datetime
    due_on: date | None
    language: str
    currency: str
    note: str | None
    buyer: Party
    seller: Party
    time_zone: str
    corrected_series: str | None
    corrected_number: int | None
    corrected_issued_at: datetime | None
    lines: list[StoredLine]


class StoredPdf(msgspec.Struct, frozen=True):
    """A document's PDF, its SHA-256 hash, and the document's number and recipient."""

    hash: str
    content: bytes
    number: str
    customer_id: UUID


async def find_invoice(db: Statements, clinic_id: int, invoice_id: UUID) -> StoredInvoice | None:
    row = await db.fetchrow(FIND_INVOICE, clinic_id=clinic_id, invoice_id=invoice_id)
    if row is None:
        return None
    members = dict(row)
    for name in ("buyer", "seller"):
        members[name] = msgspec.json.decode(members[name], type=Party)
    members["lines"] = msgspec.json.decode(members["lines"] or "[]", type=list[StoredLine])
    return StoredInvoice(**members)


async def request_pdfs(tx: Statements, clinic_id: int, invoice_id: UUID) -> None:
    """Have the PDFs of an issued invoice and its credit notes rendered, unless that has already been requested."""
    await tx.execute(
        """
        insert into invoice_pdf (clinic_id, invoice_id)
        select clinic_id, id from invoice
         where clinic_id = $1 and (id = $2 or corrects_id = $2) and status = 'issued'
        on conflict do nothing
        """,
        clinic_id,
        invoice_id,
    )


async def list_due(db: Statements, *, now: datetime, limit: int) -> Sequence[UUID]:
    """List invoices whose PDFs are due, in all clinics, oldest first."""
    rows = await db.fetch(
        """
        select invoice_id
          from invoice_pdf d
         where content is null and due_at <= $1
           and exists (select from clinic c where c.id = d.clinic_id)  -- has not moved
         order by due_at
         limit $2
        """,
        now,
        limit,
    )
    return [row.invoice_id for row in rows]


async def store_pdf(db: Statements, clinic_id: int, invoice_id: UUID, pdf: StoredPdf) -> None:
    """Store a PDF, unless there is already one."""
    await db.execute(
        """
        update invoice_pdf set hash = $3, content = $4
         where clinic_id = $1 and invoice_id = $2 and content is null
        """,
        clinic_id,
        invoice_id,
        pdf.hash,
        pdf.content,
    )


async def postpone(db: Statements, clinic_id: int, invoice_id: UUID, *, due_at: datetime) -> None:
    await db.execute(
        "update invoice_pdf set due_at = $3 where clinic_id = $1 and invoice_id = $2 and content is null",
        clinic_id,
        invoice_id,
        due_at,
    )


async def find_pdf(db: Statements, clinic_id: int, invoice_id: UUID) -> StoredPdf | None:
    row = await db.fetchrow(
        """
        select p.hash, p.content, i.series, i.number, i.customer_id
          from invoice_pdf p
          join invoice i on i.clinic_id = p.clinic_id and i.id = p.invoice_id
         where p.clinic_id = $1 and p.invoice_id = $2 and p.content is not null
        """,
        clinic_id,
        invoice_id,
    )
    return StoredPdf(row.hash, row.content, format_number(row.series, row.number), row.customer_id) if row else None
