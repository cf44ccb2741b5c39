"""Read the contents of messages about invoices and payments."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Database
from ...payments.checkout.links import PaymentLinks
from ...payments.documents import service as documents
from ...payments.invoices import service as invoices
from ...payments.pay_links import repository as pay_links
from ...payments.payments import service as payments
from ...payments.receipts import service as receipts
from ..channels.model import Attachment
from ..templates.money import MoneyFacts
from .links import MessageLinks
from .model import NotificationContext


class MoneyContent(NamedTuple):
    """What a message says about an invoice or a payment, and what is attached to it."""

    facts: MoneyFacts | None = None
    link: str | None = None
    attachments: Sequence[Attachment] = ()


NO_MONEY_CONTENT: Final = MoneyContent()


async def _read_invoice(db: Database, context: NotificationContext, links: MessageLinks) -> MoneyContent:
    invoice = await invoices.get(db, UUID(context.subject_id))
    facts = MoneyFacts(
        number=invoice.number or "",
        amount=invoice.total,
        open=None if invoice.settled else invoice.open,
        due_on=invoice.due_on,
    )
    number = await pay_links.get_number(db, invoice.id)
    link = PaymentLinks(links.public_url, links.secret).invoice_url(invoice.id, number)
    if context.channel == "sms":
        return MoneyContent(facts, link)
    pdf = await documents.get_pdf(db, invoice.id)
    return MoneyContent(facts, link, [Attachment(f"{pdf.number}.pdf", "pdf", pdf.content)])


async def _read_credit_note(db: Database, context: NotificationContext, _links: MessageLinks) -> MoneyContent:
    note = await invoices.get(db, UUID(context.subject_id))
    assert note.corrects_id, "only credit notes have such messages"
    corrected = await invoices.get(db, note.corrects_id)
    pdf = await documents.get_pdf(db, note.id)
    facts = MoneyFacts(number=note.number or "", amount=note.total, invoices=[corrected.number or ""])
    return MoneyContent(facts, attachments=[Attachment(f"{pdf.number}.pdf", "pdf", pdf.content)])


async def _read_receipt(db: Database, context: NotificationContext, _links: MessageLinks) -> MoneyContent:
    payment = await payments.get(db, UUID(context.subject_id))
    pdf = await receipts.get_pdf(db.within(payment.clinic_id), payment.id)
    paid_ids = dict.fromkeys(each.invoice_id for each in payment.allocations if each.invoice_id and not each.undone_at)
    numbers = [(await invoices.get(db, invoice_id)).number or "" for invoice_id in paid_ids]
    facts = MoneyFacts(
        number=payment.receipt_number or "", amount=payment.amount, method=payment.method, invoices=numbers
    )
    return MoneyContent(facts, attachments=[Attachment(f"{pdf.number}.pdf", "pdf", pdf.content)])


MONEY_READERS: Final[Mapping[str, Callable[[Database, NotificationContext, MessageLinks], Awaitable[MoneyContent]]]] = {
    "invoice": _read_invoice,
    "receipt": _read_receipt,
    "credit-note": _read_credit_note,
}
"""The kinds of messages about money, and the functions that read their contents."""
