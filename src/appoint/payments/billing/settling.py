"""Settle appointments that did not take place: correct their invoices, return what was paid, and draft fees."""

from datetime import datetime
from typing import Final

from ...database.pool import Transaction
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ..invoices import corrections
from ..invoices import service as invoices
from ..invoices.model import CreditNoteContent, InvoiceLine, LineContent
from ..payments import allocating, refunds
from ..payments import repository as payments
from ..payments.model import AppliedRule, Payment, PositiveMoney, RefundContent
from . import repository
from .assessment import Assessment, assess
from .drafts import draft_fee, withdraw_visit
from .model import End
from .repository import BillingFacts

REASONS: Final[dict[End, str]] = {
    "cancellation": "The appointment was cancelled.",
    "noShow": "The patient did not attend.",
}
"""Why money was returned, for staff."""
FEES: Final[dict[End, str]] = {
    "cancellation": translatable("Late cancellation: {visit}"),
    "noShow": translatable("Missed appointment: {visit}"),
}


async def settle(tx: Transaction, actor: Actor, facts: BillingFacts, *, end: End, now: datetime) -> None:
    """Settle an appointment that was cancelled or missed."""
    await withdraw_visit(tx, actor, facts, now=now)
    paying = await _lock(tx, facts)
    assessment = await assess(
        tx,
        facts,
        end=end,
        by_clinic=facts.by_clinic,
        ended_at=facts.ended_at or facts.updated_at,
    )
    await _correct(tx, actor, assessment, now=now)
    for earlier in paying:
        payment = await allocating.get_payment(tx, earlier.id)
        await give_back(tx, actor, assessment, payment, payment.free.amount - earlier.free.amount, now=now)
    await return_deposit(tx, actor, assessment, assessment.decision.returned_deposit(assessment.ended), now=now)
    if fee := assessment.decision.fee(assessment.ended):
        await draft_fee(tx, actor, facts, assessment.policy, amount=fee, occasion=end, label=FEES[end], now=now)
    await repository.settle(tx, assessment.settlement, now=now)


async def _lock(tx: Transaction, facts: BillingFacts) -> list[Payment]:
    """Lock everything that has been paid for an appointment, and return the payments on its invoices."""
    deposits = await repository.list_deposits(tx, facts)
    invoice_ids = [charge.invoice_id for charge in await repository.list_charges(tx, facts.id)]
    paying = {
        allocation.payment_id
        for invoice_id in invoice_ids
        for allocation in await payments.list_allocations(tx, invoice_id=invoice_id)
    }
    locked = sorted(paying | {deposit.id for deposit in deposits})
    await payments.lock(tx, facts.clinic_id, payments=locked, invoices=invoice_ids)
    return [await allocating.get_payment(tx, payment_id) for payment_id in sorted(paying)]


async def _correct(tx: Transaction, actor: Actor, assessment: Assessment, *, now: datetime) -> None:
    """Take what the clinic does not keep off the issued invoices, starting with the latest."""
    left = assessment.decision.correction(assessment.ended)
    for charge in reversed(assessment.charges):
        if amount := min(left, charge.billed):
            invoice = await invoices.get(tx, charge.invoice_id)
            charged = [line for line in invoice.lines if line.appointment_id == assessment.facts.id]
            content = CreditNoteContent(reason=REASONS[assessment.ended.end], lines=reversal_lines(charged, amount))
            await corrections.correct(tx, actor, invoice_id=invoice.id, content=content, if_match="*", now=now)
            left -= amount


def reversal_lines(lines: list[InvoiceLine], amount: int) -> list[LineContent]:
    """Return the lines of a credit note that takes back part of what an invoice charges for an appointment."""
    contents: list[LineContent] = []
    total = sum(line.gross for line in lines)  # before any earlier credit notes, as the lines' prices are
    for line in lines:
        price = line.quantity * line.unit_amount - line.discount_amount
        if share := (price * amount + total // 2) // total:
            contents.append(
                LineContent(
                    description=line.description,
                    unit_amount=min(share, price),
                    appointment_id=line.appointment_id,
                    tax_category=line.tax_category,
                    tax_rate=line.tax_rate,
                    tax_reason=line.tax_reason,
                )
            )
    return contents


async def return_deposit(tx: Transaction, actor: Actor, assessment: Assessment, amount: int, *, now: datetime) -> None:
    """Return this much of the deposit that was paid for an appointment."""
    for deposit, share in assessment.deposits:
        returned = min(amount, share)
        payment = await allocating.get_payment(tx, deposit.id)
        await give_back(tx, actor, assessment, payment, returned, now=now)
        amount -= returned


async def give_back(
    tx: Transaction, actor: Actor, assessment: Assessment, payment: Payment, amount: int, *, now: datetime
) -> None:
    """Give back part of a payment, as credit or to the payer's card, unless the clinic asks the patient first. Payments
    made from credit have already become credit again."""
    if amount <= 0 or assessment.refund_to == "ask" or payment.liability == "credit" or payment.method == "creditNote":
        return
    rule = assessment.decision.rule
    await refunds.refund_payment(
        tx,
        actor,
        payment_id=payment.id,
        content=RefundContent(
            to="method" if assessment.refund_to == "method" and payment.method == "card" else "credit",
            amount=PositiveMoney(amount, payment.amount.currency),
            reason=REASONS[assessment.ended.end],
        ),
        decided_by=AppliedRule(
            assessment.facts.id, rule.before_minutes if rule else None, rule.keep_percent if rule else None
        ),
        if_match="*",
        now=now,
    )
