"""The contents of an issued invoice's page."""

from typing import NamedTuple
from uuid import UUID

from ..database.pool import Statements
from ..payments.documents.service import get_document
from ..payments.documents.sheet import Sheet
from ..payments.documents.wording import invoice_sheet
from ..payments.invoices import service as invoices
from ..payments.invoices.model import Invoice


class ShownInvoice(NamedTuple):
    """An issued invoice or credit note, with the text of its document."""

    invoice: Invoice
    sheet: Sheet


async def load_invoice(db: Statements, invoice_id: UUID) -> ShownInvoice:
    """Return an issued invoice or credit note. Raise `NotFound` for a draft or an unknown one."""
    document = await get_document(db, invoice_id)
    return ShownInvoice(await invoices.get(db, invoice_id), invoice_sheet(document))
