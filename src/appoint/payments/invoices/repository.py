"""SQL for invoices and credit notes."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from ...database.pool import Row, Statements, affected
from ...database.sql import load
from ...kit.ids import clinic_of, new_id
from ...kit.money import Money
from ..numbers.model import DocumentNumber, format_number
from ..parties import Party
from .model import Invoice, InvoiceLine, Kind, Occasion, OwnInvoice, PricedLine

LIST_INVOICES: Final = load(__name__, "list_invoices")
INSERT_LINES: Final = load(__name__, "insert_lines")
COPIED: Final = (
    "version", "created_at", "updated_at", "id", "clinic_id", "kind", "corrects_id", "status", "customer_id",
    "language", "note", "appointment_id", "occasion", "issued_at", "due_on",
)  # fmt: skip


def to_invoice(row: Row) -> Invoice:
    is_open = row.status == "issued" and row.kind == "invoice"
    left = row.total - row.paid if is_open else 0
    return Invoice(
        **{name: row[name] for name in COPIED},
        settled=row.status == "issued" and left == 0,
        total=Money(row.total, row.currency),
        paid=Money(row.paid, row.currency),
        open=Money(left, row.currency),
        number=format_number(row.series, row.number) if row.series else None,
        buyer=msgspec.json.decode(row.buyer, type=Party) if row.buyer else None,
        seller=msgspec.json.decode(row.seller, type=Party) if row.seller else None,
        lines=msgspec.json.decode(row.lines, type=list[InvoiceLine]),
    )


async def find(db: Statements, id: UUID) -> Invoice | None:
    row = await db.fetchrow("select * from shown_invoice where clinic_id = $1 and id = $2", clinic_of(id), id)
    return to_invoice(row) if row else None


async def lock_draft(tx: Statements, id: UUID) -> bool:
    """Lock a draft until the transaction ends. Return whether there is one with this id."""
    return bool(
        await tx.fetchval(
            "select true from invoice where clinic_id = $1 and id = $2 and status = 'draft' for update",
            clinic_of(id),
            id,
        )
    )


async def list_invoices(
    db: Statements,
    clinic_id: int,
    *,
    customer_id: UUID | None,
    status: str | None,
    first_day: date | None,
    last_day: date | None,
    today: date,
    after: tuple[UUID] | None,
    limit: int,
) -> list[Invoice]:
    """Return a clinic's invoices, newest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        LIST_INVOICES,
        clinic_id=clinic_id,
        customer_id=customer_id,
        status=status,
        first_day=first_day,
        last_day=last_day,
        today=today,
        before=after[0] if after else None,
        limit=limit,
    )
    return [to_invoice(row) for row in rows]


async def list_of_customer(db: Statements, customer_id: UUID, *, limit: int) -> list[OwnInvoice]:
    """Return a customer's issued invoices and credit notes at all clinics, newest first."""
    rows = await db.fetch(
        """
        select s.*, c.name as clinic
          from shown_invoice s
          join clinic c on c.id = s.clinic_id
         where s.customer_id = $1 and s.status = 'issued'
         order by s.issued_at desc, s.id desc
         limit $2
        """,
        customer_id,
        limit,
    )
    return [OwnInvoice(to_invoice(row), row.clinic) for row in rows]


async def add(
    tx: Statements,
    clinic_id: int,
    *,
    kind: Kind,
    corrects_id: UUID | None,
    customer_id: UUID,
    currency: str,
    language: str,
    note: str | None,
    appointment_id: UUID | None,
    occasion: Occasion | None,
) -> UUID | None:
    """Add a draft without lines. Return its id, or None if there is already one for the appointment and occasion."""
    return await tx.fetchval(
        """
        insert into invoice (clinic_id, id, kind, corrects_id, customer_id, currency, language, note, appointment_id,
                             occasion)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        on conflict (clinic_id, appointment_id, occasion) do nothing
        returning id
        """,
        clinic_id,
        new_id(clinic_id),
        kind,
        corrects_id,
        customer_id,
        currency,
        language,
        note,
        appointment_id,
        occasion,
    )


async def replace_lines(
    tx: Statements, id: UUID, lines: Sequence[PricedLine], *, total: int, includes_tax: bool
) -> None:
    """Replace a draft's lines and its total."""
    clinic_id = clinic_of(id)
    await tx.execute("delete from invoice_line where clinic_id = $1 and invoice_id = $2", clinic_id, id)
    await tx.execute(
        INSERT_LINES,
        clinic_id=clinic_id,
        invoice_id=id,
        includes_tax=includes_tax,
        descriptions=[line.content.description for line in lines],
        appointment_ids=[line.content.appointment_id for line in lines],
        supplied_on=[line.content.supplied_on for line in lines],
        coupon_use_ids=[line.coupon_use_id for line in lines],
        quantities=[line.content.quantity for line in lines],
        unit_amounts=[line.content.unit_amount for line in lines],
        discount_amounts=[line.discount_amount for line in lines],
        tax_categories=[line.tax.category for line in lines],
        tax_rates=[line.tax.rate for line in lines],
        tax_reasons=[line.tax.reason for line in lines],
        nets=[line.net for line in lines],
        taxes=[line.tax_amount for line in lines],
        grosses=[line.gross for line in lines],
        first_cents=[line.first_cent for line in lines],
    )
    await tx.execute("update invoice set total = $3 where clinic_id = $1 and id = $2", clinic_id, id, total)


async def change(tx: Statements, id: UUID, *, language: str, note: str | None) -> None:
    await tx.execute(
        """
        update invoice set language = $3, note = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        clinic_of(id),
        id,
        language,
        note,
    )


async def delete(tx: Statements, id: UUID) -> bool:
    """Delete a draft. Return whether there was one."""
    tag = await tx.execute(
        "delete from invoice where clinic_id = $1 and id = $2 and status = 'draft'", clinic_of(id), id
    )
    return affected(tag) > 0


async def issue(
    tx: Statements, id: UUID, number: DocumentNumber, *, now: datetime, due_on: date | None, buyer: Party, seller: Party
) -> None:
    """Issue a draft. Its lines follow, each with its range of cents."""
    await tx.execute(
        """
        update invoice
           set status = 'issued', series = $3, number = $4, issued_at = $5, due_on = $6,
               buyer = $7::text::jsonb, seller = $8::text::jsonb, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        clinic_of(id),
        id,
        *number,
        now,
        due_on,
        msgspec.json.encode(buyer).decode(),
        msgspec.json.encode(seller).decode(),
    )


async def corrected_total(tx: Statements, id: UUID) -> int:
    """Return what credit notes have already taken off an invoice."""
    return await tx.fetchval(
        """
        select coalesce(sum(total), 0)::bigint
          from invoice
         where clinic_id = $1 and corrects_id = $2 and status = 'issued'
        """,
        clinic_of(id),
        id,
    )


async def find_type(tx: Statements, appointment_id: UUID) -> UUID | None:
    """Return an appointment's type."""
    return await tx.fetchval(
        "select appointment_type_id from appointment where clinic_id = $1 and id = $2",
        clinic_of(appointment_id),
        appointment_id,
    )


async def find_for_appointment(db: Statements, appointment_id: UUID) -> UUID | None:
    """Return the latest invoice with a line for an appointment."""
    return await db.fetchval(
        """
        select i.id
          from invoice_line l
          join invoice i on i.clinic_id = $1 and i.id = l.invoice_id and i.kind = 'invoice'
         where l.clinic_id = $1 and l.appointment_id = $2
         order by i.id desc
         limit 1
        """,
        clinic_of(appointment_id),
        appointment_id,
    )
