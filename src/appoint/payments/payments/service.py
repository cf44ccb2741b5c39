"""Record payments, allocate them to invoices, undo allocations, and refund what is left."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ... import audit
from ...clinics.clinics import service as clinics
from ...customers import service as customers
from ...database.pool import Statements, Transaction
from ...events.facts import PaymentSucceeded
from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ...kit.ids import clinic_of
from ...kit.money import Money
from ..ledger import service as ledger
from ..numbers.repository import take_number
from ..policies import service as policies
from . import allocating, postings, repository
from .allocating import get_payment
from .model import RECEIPTS, AllocationContent, Credit, OwnCredit, Payment, PaymentContent


async def get(db: Statements, payment_id: UUID) -> Payment:
    """Return a payment, or raise `NotFound`."""
    if payment := await repository.find(db, payment_id):
        return payment
    raise errors.NotFound


async def get_credit(db: Statements, *, clinic_id: int, customer_id: UUID) -> Credit:
    """Return what a clinic owes a customer."""
    payments = await repository.list_credit(db, clinic_id, customer_id)
    amounts: dict[str, int] = {}
    for payment in payments:
        amounts[payment.free.currency] = amounts.get(payment.free.currency, 0) + payment.free.amount
    return Credit(amounts=[Money(amount, currency) for currency, amount in amounts.items()], payments=payments)


async def sum_own_credit(db: Statements, customer_id: UUID) -> list[OwnCredit]:
    """Return what clinics owe a customer."""
    return await repository.sum_own_credit(db, customer_id)


async def record(tx: Transaction, actor: Actor, *, clinic_id: int, content: PaymentContent, now: datetime) -> Payment:
    """Record a payment that a patient made without a payment provider, and pay the named invoices with it.

    Raise `NotFound` for an unknown clinic, patient or invoice, or a `Conflict` as `allocating.allocate` does.
    """
    await clinics.get_active(tx, clinic_id)
    await customers.get_patient(tx, clinic_id, content.customer_id)
    if content.booking_id and clinic_of(content.booking_id) != clinic_id:
        raise errors.Invalid(errors.Fault("#/bookingId", translatable("belongs to another clinic")))
    payment_id = await repository.add(
        tx,
        clinic_id,
        method=content.method,
        status="succeeded",
        customer_id=content.customer_id,
        amount=Money(content.amount.amount, content.amount.currency),
        now=now,
        deposit=content.deposit and content.method != "goodwill",
        booking_id=content.booking_id,
        reason=content.reason,
    )
    await audit.record(
        tx, actor, clinic_id=clinic_id, subjects=[payment_id, content.customer_id], reason=content.reason
    )
    return await complete(tx, actor, payment_id=payment_id, allocations=content.allocations, now=now)


async def complete(
    tx: Transaction, actor: Actor, *, payment_id: UUID, allocations: Sequence[AllocationContent], now: datetime
) -> Payment:
    """Number and post a payment that has just succeeded, and pay the named invoices with it."""
    payment = await get_payment(tx, payment_id)
    if payment.method in RECEIPTS:
        policy = await policies.get_policy(tx, payment.clinic_id)
        number = await take_number(tx, payment.clinic_id, policy.series_of("receipt", now.year), payment_id=payment_id)
        await repository.set_receipt_number(tx, payment_id, number)
    await ledger.post(tx, payment.clinic_id, postings.on_success(payment))
    fact = PaymentSucceeded(payment.customer_id, booking_id=payment.booking_id)
    await allocating.append_event(tx, "payment.succeeded", payment, fact)
    await repository.lock(
        tx, payment.clinic_id, payments=[], invoices=[allocation.invoice_id for allocation in allocations]
    )
    for allocation in allocations:
        await allocating.allocate(
            tx,
            actor,
            payment=payment,
            invoice_id=allocation.invoice_id,
            amount=_amount_in(payment, allocation),
        )
    return await get_payment(tx, payment_id)


async def allocate(
    tx: Transaction, actor: Actor, *, payment_id: UUID, content: AllocationContent, if_match: str | None
) -> Payment:
    """Pay an invoice with what is left of a payment. Raise `NotFound`, or a `Conflict` as `allocating.allocate`
    does."""
    payment = await lock(tx, payment_id, if_match, invoices=[content.invoice_id])
    await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[payment_id, content.invoice_id])
    await allocating.allocate(
        tx, actor, payment=payment, invoice_id=content.invoice_id, amount=_amount_in(payment, content)
    )
    return await get_payment(tx, payment_id)


async def undo_allocation(tx: Transaction, actor: Actor, *, allocation_id: UUID, now: datetime) -> Payment:
    """Undo an allocation, so that its cents can be spent on something else and the invoice is open again.

    Raise `NotFound` for an unknown allocation, or for one of a refund or credit note.
    """
    allocation = await repository.find_allocation(tx, allocation_id)
    if allocation is None or allocation.invoice_id is None:
        raise errors.NotFound
    payment = await lock(tx, allocation.payment_id, None, invoices=[allocation.invoice_id])
    if payment.method == "creditNote":
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[allocation.payment_id, allocation.invoice_id])
    await allocating.undo(tx, payment=payment, allocation=allocation, now=now)
    return await get_payment(tx, payment.id)


async def cancel(tx: Transaction, actor: Actor, *, payment_id: UUID, if_match: str | None, now: datetime) -> Payment:
    """Cancel a payment that was recorded by mistake. Raise a `not-enough` `Conflict` if part of it has been spent, or
    if it came from a payment provider, a refund or a credit note."""
    payment = await lock(tx, payment_id, if_match)
    by_hand = payment.method in ("cash", "terminal", "transfer", "goodwill")
    if not by_hand or payment.status != "succeeded" or payment.free != payment.amount:
        raise errors.Conflict("not-enough")
    await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[payment_id])
    await repository.change_status(tx, payment_id, "cancelled", now=now)
    await ledger.post(tx, payment.clinic_id, postings.on_cancellation(payment))
    return await get_payment(tx, payment_id)


async def lock(tx: Transaction, payment_id: UUID, if_match: str | None, *, invoices: Sequence[UUID] = ()) -> Payment:
    """Lock a payment and invoices, and return the payment. Raise `NotFound`, or `VersionMismatch`."""
    clinic_id = clinic_of(payment_id)
    await repository.lock(tx, clinic_id, payments=[payment_id], invoices=invoices)
    payment = await get_payment(tx, payment_id)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=payment.version)
    return payment


def _amount_in(payment: Payment, content: AllocationContent) -> int | None:
    """Return the amount to allocate. Raise `Conflict` if its currency is not the payment's."""
    if content.amount is None:
        return None
    if content.amount.currency != payment.amount.currency:
        raise errors.Conflict("currency-differs")
    return content.amount.amount
