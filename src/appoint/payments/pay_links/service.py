"""Create payment links, and open the payment provider's page for an invoice."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ... import audit
from ...database.pool import Database, Statements, Transaction
from ...kit import errors, ids
from ...kit.actors import Actor
from ..checkout import service as checkout
from ..checkout.links import PaymentLinks
from ..checkout.port import PaymentGateway
from ..checkout.repository import payments
from ..checkout.repository.payments import CardPayment
from ..invoices import service as invoices
from ..invoices.model import Invoice
from ..payments import repository as books
from . import repository

PAGE_TTL: Final = timedelta(hours=1)
"""How long the provider's page is open."""
MAX_ATTEMPTS: Final = 3


class PendingPayment(NamedTuple):
    """An invoice's pending payment."""

    payment: CardPayment
    is_current: bool
    """Whether its amount is still what is left to pay, and its page should still be open."""


async def create(tx: Transaction, actor: Actor, *, invoice_id: UUID) -> Invoice:
    """Return an invoice that can be paid by link, and record that someone requested its link.

    Raise `NotFound`, or a `Conflict`: `invoice-draft` or `invoice-paid`.
    """
    invoice = await _expect_payable(tx, invoice_id)
    await audit.record(tx, actor, clinic_id=invoice.clinic_id, subjects=[invoice_id])
    return invoice


async def revoke(tx: Transaction, actor: Actor, *, invoice_id: UUID) -> Invoice:
    """Revoke an invoice's payment link. The next one differs. Raise `NotFound`, or an `invoice-draft` `Conflict`."""
    invoice = await invoices.get(tx, invoice_id)
    if invoice.kind != "invoice":
        raise errors.NotFound
    if invoice.status == "draft":
        raise errors.Conflict("invoice-draft")
    await repository.revoke(tx, invoice_id)
    await audit.record(tx, actor, clinic_id=invoice.clinic_id, subjects=[invoice_id])
    return invoice


async def get_number(db: Statements, invoice_id: UUID) -> int:
    """Return the number of an invoice's current link."""
    return await repository.get_number(db, invoice_id)


async def load_numbers(db: Statements, invoice_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the numbers of the invoices' current links."""
    return await repository.load_numbers(db, invoice_ids)


async def find_invoice(db: Database, links: PaymentLinks, token: str) -> UUID:
    """Return the invoice that a link leads to. Raise `NotFound` for an invalid or revoked link."""
    if content := links.invoice_of(token):
        invoice_id, number = content
        if number == await repository.get_number(db.within(ids.clinic_of(invoice_id)), invoice_id):
            return invoice_id
    raise errors.NotFound


async def open_page(
    db: Database, gateway: PaymentGateway, actor: Actor, *, invoice_id: UUID, links: PaymentLinks, now: datetime
) -> str:
    """Return the address of the provider's page for paying what is left of an invoice.

    An invoice never has two open pages: if the amount has changed, the old page is closed first. Raise `NotFound`;
    `Conflict`: `invoice-draft` or `invoice-paid`; `Unavailable` while the provider is still processing a payment;
    `GatewayUnavailable`, `GatewayRefusal` or `UnsupportedAmount`.
    """
    for _ in range(MAX_ATTEMPTS):
        payment, is_current = await db.atomic(_prepare, invoice_id=invoice_id, now=now)
        if not is_current:
            await checkout.close(db, gateway, actor, payment_id=payment.id, links=links, now=now)
            continue
        session = await checkout.open_session(db, gateway, payment, links=links)
        if session.url:
            return session.url
        await checkout.settle(db, gateway, actor, payment_id=payment.id, links=links, now=now)
    raise errors.Unavailable


async def _prepare(tx: Transaction, *, invoice_id: UUID, now: datetime) -> PendingPayment:
    """Return the invoice's pending payment, which the first call adds."""
    clinic_id = ids.clinic_of(invoice_id)
    await books.lock(tx, clinic_id, payments=[], invoices=[invoice_id])
    invoice = await _expect_payable(tx, invoice_id)
    if payment_id := await payments.find_for_invoice(tx, invoice_id):
        payment = await checkout.get(tx, payment_id)
        return PendingPayment(payment, payment.amount == invoice.open and payment.expires_at > now)
    payment_id = ids.new_id(clinic_id)
    await payments.add(
        tx,
        payment_id=payment_id,
        customer_id=invoice.customer_id,
        invoice_id=invoice_id,
        amount=invoice.open,
        expires_at=now + PAGE_TTL,
    )
    return PendingPayment(await checkout.get(tx, payment_id), is_current=True)


async def _expect_payable(tx: Transaction, invoice_id: UUID) -> Invoice:
    invoice = await invoices.get(tx, invoice_id)
    if invoice.kind != "invoice":
        raise errors.NotFound
    if invoice.status == "draft":
        raise errors.Conflict("invoice-draft")
    if invoice.settled:
        raise errors.Conflict("invoice-paid")
    return invoice
