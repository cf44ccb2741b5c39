"""The transfers that payments, allocations and refunds write."""

from collections.abc import Iterator
from uuid import UUID

from ...kit.money import Money
from ..ledger.model import Posting
from .model import ASSETS, Payment, Refund


def on_success(payment: Payment) -> Iterator[Posting]:
    """Yield what a payment posts when it succeeds. Credit and credit notes were posted when they came about."""
    match payment.method:
        case "credit" | "creditNote":
            return
        case "goodwill":
            rule = "goodwill"
        case _:
            rule = f"{'deposit' if payment.deposit else 'paid'}-{ASSETS[payment.method]}"
    yield _of_payment(rule, payment)


def on_cancellation(payment: Payment) -> Iterator[Posting]:
    """Yield what reverses a payment that was recorded by mistake."""
    if payment.method == "goodwill":
        yield _of_payment("goodwill-withdrawn", payment)
    else:
        yield _of_payment(f"{'undeposit' if payment.deposit else 'unpaid'}-{ASSETS[payment.method]}", payment)


def on_allocation(payment: Payment, *, invoice_id: UUID, allocation_id: UUID, amount: int) -> Iterator[Posting]:
    """Yield what moves a deposit or credit to the customer's debts when it pays an invoice."""
    if (liability := payment.liability) != "receivable":
        rule = "deposit-applied" if liability == "deposits" else "credit-spent"
        yield _of_allocation(rule, payment, invoice_id, allocation_id, amount)


def on_undo(payment: Payment, *, invoice_id: UUID, allocation_id: UUID, amount: int) -> Iterator[Posting]:
    """Yield what moves it back when the allocation is undone."""
    if (liability := payment.liability) != "receivable":
        rule = "deposit-released" if liability == "deposits" else "credit-released"
        yield _of_allocation(rule, payment, invoice_id, allocation_id, amount)


def on_refund(payment: Payment, refund: Refund) -> Iterator[Posting]:
    """Yield what a refund posts when it succeeds."""
    target = "credit" if refund.destination == "credit" else ASSETS[payment.method]
    yield _of_refund(f"refund-{payment.liability}-{target}", payment, refund)


def on_dispute(payment: Payment, refund: Refund, *, outcome: str) -> Iterator[Posting]:
    """Yield what a dispute posts when it is `opened`, `won` or `lost`."""
    suffix = f"-{payment.liability}" if outcome == "lost" else ""
    yield _of_refund(f"dispute-{outcome}{suffix}", payment, refund)


def _of_payment(rule: str, payment: Payment) -> Posting:
    money: Money = payment.amount
    return Posting(rule, money.currency, money.amount, payment.customer_id, payment_id=payment.id)


def _of_allocation(rule: str, payment: Payment, invoice_id: UUID, allocation_id: UUID, amount: int) -> Posting:
    return Posting(
        rule,
        payment.amount.currency,
        amount,
        payment.customer_id,
        invoice_id=invoice_id,
        payment_id=payment.id,
        allocation_id=allocation_id,
    )


def _of_refund(rule: str, payment: Payment, refund: Refund) -> Posting:
    money = refund.amount
    return Posting(rule, money.currency, money.amount, payment.customer_id, payment_id=payment.id, refund_id=refund.id)
