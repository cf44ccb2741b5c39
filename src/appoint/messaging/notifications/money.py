"""Read the contents of messages about invoices and payments."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Database
from ...payments.checkout.links import Links as PaymentLinks
from ...payments.documents import service as documents
from ...payments.invoices import service as invoices
from ...payments.payments import service as payments
from ..channels.model import Attachment
from ..templates.money import MoneyFacts
from .links import Links
from .model import NotificationContext


class Money(NamedTuple):
    """What a message says about an invoice or a payment, and what is attached to it."""

    facts: MoneyFacts | None = None
    link: str | None = None
    attachments: Sequence[Attachment] = ()


NO_MONEY: Final = Money()


async def _read_invoice(db: Database, context: NotificationContext, links: Links) -> Money:
    invoice = await invoices.get(db, UUID(context.subject_id))
    pdf = await documents.get_pdf(db, invoice.id)
    facts = MoneyFacts(
        number=invoice.number or "",
        amount=invoice.total,
        open=None if invoice.settled else invoice.open,
        due_on=invoice.due_on,
    )
    link = PaymentLinks(links.public_url, links.secret).invoice_url(invoice.id)
    return Money(facts, link, [Attachment(f"{pdf.number}.pdf", "pdf", pdf.content)])


async def _read_receipt(db: Database, context: NotificationContext, _links: Links) -> Money:
    payment = await payments.get(db, UUID(context.subject_id))
    paid_ids = dict.fromkeys(each.invoice_id for each in payment.allocations if each.invoice_id and not each.undone_at)
    numbers = [(await invoices.get(db, invoice_id)).number or "" for invoice_id in paid_ids]
    facts = MoneyFacts(
        number=payment.receipt_number or "", amount=payment.amount, method=payment.method, invoices=numbers
    )
    return Money(facts)


MONEY_READERS: Final[Mapping[str, Callable[[Database, NotificationContext, Links], Awaitable[Money]]]] = {
    "invoice": _read_invoice,
    "receipt": _read_receipt,
}
"""The kinds of messages about money, and the functions that read their contents."""
