"""Render invoices and find their PDFs. The package `receipts` does the same for receipts."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from ...database.pool import Database, Statements, Transaction
from ...events.model import Event
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ...kit.regions import language_tag
from ..numbers.model import format_number
from ..tax import sum_up
from . import repository
from .model import CorrectedInvoice, DocumentLine, InvoiceDocument, document_party
from .repository import StoredInvoice, StoredLine, StoredPdf
from .wording import invoice_sheet

log = structlog.get_logger()

BATCH_SIZE: Final = 20
RETRY_INTERVAL: Final = timedelta(hours=1)
INVOICE_EVENTS: Final = "invoice."
"""What the types of events about invoices begin with."""


async def request_pdfs(tx: Transaction, events: Sequence[Event]) -> None:
    """Event subscriber: have the PDFs of newly issued invoices and credit notes rendered."""
    for event in events:
        if event.type.startswith(INVOICE_EVENTS):
            await repository.request_pdfs(tx, event.clinic_id, UUID(event.subject_id))


async def render_due(db: Database, *, now: datetime) -> int:
    """Render the PDFs that are due, and return how many succeeded. Retry failed ones an hour later."""
    count = 0
    for invoice_id in await repository.list_due(db, now=now, limit=BATCH_SIZE):
        try:
            await render_pdf(db, invoice_id)
            count += 1
        except errors.Unavailable:
            raise
        except Exception:
            log.exception("invoice not rendered", invoice_id=str(invoice_id))
            await repository.postpone(db, clinic_of(invoice_id), invoice_id, due_at=now + RETRY_INTERVAL)
    return count


class AddressedDocument(NamedTuple):
    """What an issued invoice or credit note says, and its recipient."""

    customer_id: UUID
    document: InvoiceDocument


async def render_pdf(db: Statements, invoice_id: UUID) -> StoredPdf:
    """Render an issued invoice's PDF and store it. Raise `NotFound` for a draft or an unknown invoice."""
    # imported here, so that only processes that render load fonts and fpdf2
    from .pdf import render  # noqa: PLC0415

    customer_id, document = await get_addressed(db, invoice_id)
    content = await asyncio.to_thread(render, invoice_sheet(document), document.issued_on)
    pdf = StoredPdf(sha256(content).hexdigest(), content, document.number, customer_id)
    await repository.store_pdf(db, clinic_of(invoice_id), invoice_id, pdf)
    return pdf


async def get_addressed(db: Statements, invoice_id: UUID) -> AddressedDocument:
    """Return an issued invoice or credit note and its recipient, or raise `NotFound`."""
    stored = await repository.find_invoice(db, clinic_of(invoice_id), invoice_id)
    if stored is None:
        raise errors.NotFound
    return AddressedDocument(stored.customer_id, document_of(stored))


async def get_document(db: Statements, invoice_id: UUID) -> InvoiceDocument:
    """Return what an issued invoice or credit note says, or raise `NotFound`."""
    return (await get_addressed(db, invoice_id)).document


async def get_pdf(db: Statements, invoice_id: UUID) -> StoredPdf:
    """Return an issued invoice's PDF. Render it now if the worker has not done so yet. Raise `NotFound` for a draft or
    an unknown invoice."""
    clinic_id = clinic_of(invoice_id)
    if pdf := await repository.find_pdf(db, clinic_id, invoice_id):
        return pdf
    await repository.request_pdfs(db, clinic_id, invoice_id)
    return await render_pdf(db, invoice_id)


def document_of(invoice: StoredInvoice) -> InvoiceDocument:
    """Return an invoice as its document says it. Dates are in the clinic's time zone."""
    breakdown = sum_up([(line.tax, line.amounts) for line in invoice.lines])
    issued_on = clock.local_date(invoice.issued_at, invoice.time_zone)
    supplied_on = issued_on if invoice.kind == "invoice" else None
    return InvoiceDocument(
        kind=invoice.kind,
        number=format_number(invoice.series, invoice.number),
        issued_on=issued_on,
        due_on=invoice.due_on,
        language=language_tag(invoice.language, None, invoice.time_zone),
        currency=invoice.currency,
        seller=document_party(invoice.seller),
        buyer=document_party(invoice.buyer),
        lines=tuple(_line(line, invoice.time_zone, supplied_on) for line in invoice.lines),
        groups=breakdown.groups,
        total=breakdown.total,
        prices_include_tax=all(line.includes_tax for line in invoice.lines),
        corrects=_correction(invoice),
        note=invoice.note,
    )


def _line(line: StoredLine, time_zone: str, supplied_on: date | None) -> DocumentLine:
    """Return a line of a document. A service with neither a date of its own nor an appointment was supplied on the
    given day."""
    if line.start_time:
        supplied_on = clock.local_date(line.start_time, time_zone)
    return DocumentLine(
        description=line.description,
        details=line.doctor,
        supplied_on=line.supplied_on or supplied_on,
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        discount_amount=line.discount_amount,
        tax=line.tax,
        amounts=line.amounts,
    )


def _correction(invoice: StoredInvoice) -> CorrectedInvoice | None:
    if invoice.corrected_series is None or invoice.corrected_number is None or invoice.corrected_issued_at is None:
        return None
    return CorrectedInvoice(
        number=format_number(invoice.corrected_series, invoice.corrected_number),
        issued_on=clock.local_date(invoice.corrected_issued_at, invoice.time_zone),
    )
