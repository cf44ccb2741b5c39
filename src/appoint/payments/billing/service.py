"""Bill appointments according to the clinic's policies, and waive fees."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from ... import audit
from ...booking.model import Status
from ...booking.steps import UNDO_WINDOW
from ...clinics.appointment_types import service as types
from ...database.pool import Database, Statements, Transaction
from ...events.model import Event
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.money import Money
from ..coupons import repository as coupons
from ..invoices import repository as invoice_rows
from ..invoices import service as invoices
from ..payments import repository as payments
from ..policies import service as policies
from ..policies.model import DEFAULT_POLICY
from . import drafts, repository, settling
from .assessment import assess
from .model import End, PaymentTerms, Settlement
from .repository import BillingFacts, BillRequest
from .wording import describe_terms

log = structlog.get_logger()

BATCH_SIZE: Final = 50
RETRY_INTERVAL: Final = timedelta(hours=1)
BILLED_EVENTS: Final = frozenset(
    {
        "appointment.booked",
        "appointment.arrived",
        "appointment.fulfilled",
        "appointment.missed",
        "appointment.cancelled",
        "appointment.hold-expired",
        "appointment.restored",
    }
)
"""The events after which an appointment may have to be billed differently."""
ENDS: Final[dict[str, End]] = {Status.CANCELLED: "cancellation", Status.NOSHOW: "noShow"}
BILLABLE: Final = frozenset({Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED})
BILLING: Final = Actor("system", operation="billAppointments")


async def follow(tx: Transaction, events: Sequence[Event], *, now: datetime) -> None:
    """Event subscriber: have appointments billed once their last step can no longer be undone. It only writes rows; the
    job reads the appointments as they are then."""
    requests = [
        BillRequest(
            event.clinic_id,
            UUID(event.subject_id),
            event.created_at if event.type == "appointment.cancelled" else None,
        )
        for event in events
        if event.type in BILLED_EVENTS
    ]
    if requests:
        await repository.request_bills(tx, requests, due_at=now + UNDO_WINDOW)


async def bill_due(db: Database, *, now: datetime) -> int:
    """Bill the appointments that are due, and return how many. Failed ones are tried again an hour later."""
    count = 0
    for appointment_id in await repository.list_due(db, now=now, limit=BATCH_SIZE):
        try:
            within = db.within(clinic_of(appointment_id))
            count += await within.atomic(bill, BILLING, appointment_id=appointment_id, now=now)
        except errors.Unavailable:
            raise
        except Exception:
            log.exception("appointment not billed", appointment_id=str(appointment_id))
            await repository.postpone(db, appointment_id, due_at=now + RETRY_INTERVAL)
    return count


async def bill(tx: Transaction, actor: Actor, *, appointment_id: UUID, now: datetime) -> bool:
    """Compare an appointment's bill with its status, and make up the difference. Return False if another worker got
    there first.

    Everything happens in one transaction, which also records that it has been done, so each appointment gets one
    invoice and is settled once, even if a worker dies.
    """
    if not await repository.claim(tx, appointment_id, now=now):
        return False
    facts = await repository.find_facts(tx, appointment_id)
    if facts and facts.is_open_for_business:
        await _bill(tx, actor, facts, now=now)
    await repository.postpone(tx, appointment_id, due_at=None)
    return True


async def _bill(tx: Transaction, actor: Actor, facts: BillingFacts, *, now: datetime) -> None:
    if facts.status == Status.CANCELLED:
        await coupons.release_of_appointment(tx, facts.id, now=now)
    if not facts.has_policy:
        return
    end = None if facts.was_only_held else ENDS.get(facts.status)
    if facts.settled_as and facts.settled_as != end:
        await repository.reopen(tx, facts.id)
        await drafts.withdraw_fees(tx, actor, facts, now=now)
    if end and facts.settled_as != end:
        await settling.settle(tx, actor, facts, end=end, now=now)
    if facts.status in BILLABLE:
        await drafts.draft_visit(tx, actor, facts, now=now)


async def get_settlement(db: Statements, appointment_id: UUID, *, now: datetime) -> Settlement:
    """Return what happened to the money for a cancelled or missed appointment, or what would happen if the patient
    cancelled now. Raise `NotFound`."""
    if settled := await repository.find_settlement(db, appointment_id):
        return settled
    facts = await repository.find_facts(db, appointment_id)
    if facts is None:
        raise errors.NotFound
    end = ENDS.get(facts.status)
    if facts.was_only_held or not facts.has_policy:
        returned, refund_to = await repository.sum_refunds(db, appointment_id)
        money = Money(returned, facts.currency)
        return Settlement(appointment_id, end or "cancellation", money, Money(0, facts.currency), money, refund_to)
    assessment = await assess(
        db,
        facts,
        end=end or "cancellation",
        by_clinic=facts.by_clinic and end is not None,
        ended_at=(facts.ended_at or facts.updated_at) if end else now,
    )
    return assessment.settlement


async def get_terms(db: Statements, type_id: UUID, *, language: str) -> PaymentTerms:
    """Return what an appointment of a type costs, and what it costs to cancel it. The language can have a region. Raise
    `NotFound`."""
    type = await types.get(db, type_id)
    return await get_terms_for(db, type_id, type.price, language=language)


async def get_terms_for(
    db: Statements, type_id: UUID, type_price: Money | None, *, discount: int = 0, language: str
) -> PaymentTerms:
    """Return what an appointment of a type with this price costs, as `get_terms` does. A coupon's discount lowers the
    deposit."""
    price = type_price or Money(0, "EUR")
    policy = DEFAULT_POLICY
    if price.amount:
        policy = await policies.get_policy(db, clinic_of(type_id), type_id=type_id)
    deposit, fee = policy.deposit(price.amount - discount), policy.no_show_fee_amount
    return PaymentTerms(
        price=type_price,
        deposit=Money(deposit, price.currency) if deposit else None,
        deposit_refund_minutes=policy.deposit_refund_minutes,
        cancellation=list(policy.cancellation),
        no_show_fee=Money(fee, price.currency) if fee else None,
        text=describe_terms(policy, Money(price.amount - discount, price.currency), language),
    )


async def waive_fee(tx: Transaction, actor: Actor, *, invoice_id: UUID, reason: str, now: datetime) -> Settlement:
    """Delete a drafted fee, and return what the patient has paid towards it.

    Raise an `invoice-issued` `Conflict`, or `NotFound` if it is not a fee.
    """
    fee = await invoices.get(tx, invoice_id)
    if fee.status == "issued":
        raise errors.Conflict("invoice-issued")
    if fee.appointment_id is None or fee.occasion not in ("noShow", "cancellation"):
        raise errors.NotFound
    facts = await repository.find_facts(tx, fee.appointment_id)
    assert facts, "the invoice refers to it"
    deposits = await repository.list_deposits(tx, facts)
    await payments.lock(tx, fee.clinic_id, payments=[deposit.id for deposit in deposits], invoices=[])
    await invoices.lock_draft(tx, invoice_id, "*")
    await audit.record(tx, actor, clinic_id=fee.clinic_id, subjects=[invoice_id, fee.customer_id], reason=reason)
    await invoice_rows.delete(tx, invoice_id)
    ended_at = facts.ended_at or facts.updated_at
    assessment = await assess(tx, facts, end=fee.occasion, by_clinic=facts.by_clinic, ended_at=ended_at)
    await settling.return_deposit(tx, actor, assessment, assessment.ended.deposit, now=now)
    settlement = assessment.settlement
    waived = settlement._replace(kept=Money(0, facts.currency), returned=settlement.paid)
    await repository.settle(tx, waived, now=now)
    return waived
