"""Collect deposits: open the provider's page, and book what has been paid for.

The provider's events are hints. Each one makes us fetch the object that it is about, and that object's state decides,
so the order of events and their repeats don't matter. States only move forward: a payment that has succeeded stays
that way.
"""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from ... import audit
from ...booking import service as appointments
from ...booking import transitions
from ...booking.bookings import service as bookings
from ...booking.deposits import due_deposit, find_deposits
from ...booking.model import Appointment, Status
from ...clinics.catalogue.model import Catalogue
from ...database.pool import Database, Statements, Transaction
from ...events.facts import PaymentFailed
from ...kit import errors, ids
from ...kit.actors import Actor
from ..payments import allocating
from ..payments import service as books
from . import invoice_payments, refunds
from .currencies import UnsupportedAmount, from_provider
from .links import PaymentLinks
from .model import CheckoutSession, GatewayRefusal, PaymentIntent
from .port import PaymentGateway, SessionRequest
from .repository import payments
from .repository.payments import CardPayment

log = structlog.get_logger()

MIN_PAGE_TIME: Final = timedelta(minutes=31)
"""How long the provider's page is open at least: it insists on 30 minutes. If the hold ends earlier, we close it."""
KEY_TTL: Final = timedelta(hours=23)
"""How long the provider remembers idempotency keys, with a margin."""


class ProviderFacts(NamedTuple):
    """What the provider says about a payment."""

    session: CheckoutSession
    intent: PaymentIntent | None


async def open_page(
    db: Database, gateway: PaymentGateway, *, appointment_id: UUID, links: PaymentLinks, now: datetime
) -> str:
    """Return the address of the provider's page for the deposit of an appointment's booking.

    Raise `NotFound`; `Conflict`: `hold-expired`, or `wrong-status` if there is nothing to pay; `GatewayUnavailable`,
    `GatewayRefusal` or `UnsupportedAmount`.
    """
    payment = await db.atomic(_prepare, appointment_id=appointment_id, now=now)
    session = await open_session(db, gateway, payment, links=links)
    if session.url is None:
        raise errors.Conflict("wrong-status", appointmentStatus=Status.PENDING, wanted=Status.BOOKED)
    return session.url


async def _prepare(tx: Transaction, *, appointment_id: UUID, now: datetime) -> CardPayment:
    """Return the booking's pending payment, which the first call adds."""
    appointment = await appointments.get(tx, appointment_id)
    together, catalogue = await _lock_together(tx, clinic_id=appointment.clinic_id, booking_id=appointment.booking_id)
    hold_ends = [each.hold_expires_at for each in together if each.hold_expires_at]
    deposit = await due_deposit(tx, catalogue, together)
    if deposit is None or not hold_ends:
        status = next(each.status for each in together if each.id == appointment_id)
        raise errors.Conflict("wrong-status", appointmentStatus=status, wanted=Status.BOOKED)
    if min(hold_ends) <= now:
        raise errors.Conflict("hold-expired")
    clinic_id, booking_id = appointment.clinic_id, appointment.booking_id
    payment_id = await payments.find_for_booking(tx, clinic_id=clinic_id, booking_id=booking_id, status="pending")
    if payment_id is None:
        payment_id = ids.new_id(clinic_id)
        await payments.add(
            tx,
            payment_id=payment_id,
            customer_id=together[0].customer_id,
            booking_id=booking_id,
            amount=deposit,
            expires_at=max(*hold_ends, now + MIN_PAGE_TIME),
        )
    return await get(tx, payment_id)


async def get(tx: Statements, payment_id: UUID) -> CardPayment:
    """Return a payment, or raise `NotFound`."""
    if payment := await payments.find(tx, payment_id):
        return payment
    raise errors.NotFound


async def _lock_together(tx: Transaction, *, clinic_id: int, booking_id: UUID) -> tuple[list[Appointment], Catalogue]:
    """Lock all appointments that were booked together, in the order in which other changes lock them."""
    together = await bookings.list_together(tx, clinic_id=clinic_id, booking_id=booking_id)
    locks = [await appointments.lock(tx, each.id, "*") for each in sorted(together, key=lambda each: each.id)]
    return [stored.appointment for stored, _ in locks], locks[0][1]


async def open_session(
    db: Database, gateway: PaymentGateway, payment: CardPayment, *, links: PaymentLinks
) -> CheckoutSession:
    """Return the payment's page at the provider, which the first call opens. If a call fails before it has stored the
    page, the next one gets the same page, because it uses the same key."""
    if payment.session_id:
        return await gateway.get_session(payment.session_id)
    request = SessionRequest(
        payment_id=str(payment.id),
        clinic_id=payment.clinic_id,
        amount=payment.amount,
        description=await payments.find_clinic_name(db, payment.clinic_id),
        return_url=links.return_url(payment.id),
        cancel_url=f"{links.return_url(payment.id)}?cancelled=1",
        expires_at=payment.expires_at,
    )
    session = await gateway.create_session(request, key=f"{payment.id}:session")
    await payments.attach_session(db, payment.id, session_id=session.id, url=session.url)
    return session


async def fetch(db: Database, gateway: PaymentGateway, payment: CardPayment, *, links: PaymentLinks) -> ProviderFacts:
    """Ask the provider about a payment."""
    session = await open_session(db, gateway, payment, links=links)
    return ProviderFacts(session, await gateway.get_intent(session.payment_intent) if session.payment_intent else None)


async def settle(
    db: Database, gateway: PaymentGateway, actor: Actor, *, payment_id: UUID, links: PaymentLinks, now: datetime
) -> CardPayment:
    """Bring a payment up to date with the provider, and return it. Raise `NotFound`, `GatewayUnavailable` or
    `GatewayRefusal`."""
    payment = await get(db, payment_id)
    if payment.status == "succeeded":
        return payment
    facts = await fetch(db, gateway, payment, links=links)
    await db.atomic(apply, actor, payment_id=payment_id, facts=facts, now=now)
    return await get(db, payment_id)


async def close(
    db: Database, gateway: PaymentGateway, actor: Actor, *, payment_id: UUID, links: PaymentLinks, now: datetime
) -> None:
    """Close the provider's page for a payment whose hold is over or whose amount has changed, or record that it was
    paid just in time. Raise `GatewayUnavailable` or `GatewayRefusal`."""
    payment = await get(db, payment_id)
    if payment.status != "pending":
        return
    if payment.session_id is None and payment.created_at < now - KEY_TTL:
        # we can no longer find out whether the page was ever opened; if it was, it has expired
        await db.atomic(_give_up, actor, payment_id=payment_id)
        return
    facts = await fetch(db, gateway, payment, links=links)
    if facts.session.status == "open":
        try:
            await gateway.expire_session(facts.session.id)
        except GatewayRefusal as refusal:  # someone has paid since
            log.info("page not closed", payment_id=str(payment_id), reason=refusal.code)
        facts = await fetch(db, gateway, payment._replace(session_id=facts.session.id), links=links)
    await db.atomic(apply, actor, payment_id=payment_id, facts=facts, now=now)


async def _give_up(tx: Transaction, actor: Actor, *, payment_id: UUID) -> None:
    if await payments.mark_cancelled(tx, payment_id):
        await audit.record(tx, actor, clinic_id=ids.clinic_of(payment_id), subjects=[payment_id])
        payment = await allocating.get_payment(tx, payment_id)
        fact = PaymentFailed(payment.customer_id, booking_id=payment.booking_id)
        await allocating.append_event(tx, "payment.failed", payment, fact)


async def apply(tx: Transaction, actor: Actor, *, payment_id: UUID, facts: ProviderFacts, now: datetime) -> None:
    """Record what the provider says about a payment. If it has succeeded, book what it is for, in this transaction.

    If that is no longer possible, return the money. There is never a payment with neither a booking nor a refund.
    """
    payment = await get(tx, payment_id)
    together: list[Appointment] = []
    catalogue: Catalogue | None = None
    if payment.booking_id:  # before the payment, as everywhere
        together, catalogue = await _lock_together(tx, clinic_id=payment.clinic_id, booking_id=payment.booking_id)
    locked = await payments.lock(tx, payment_id)
    session, intent = facts
    if locked is None or locked.status == "succeeded":
        return
    if intent and intent.status == "succeeded":
        if not _is_exact(payment, intent):
            log.error("payment differs from its intent", payment_id=str(payment_id), intent_id=intent.id)
            return
        await payments.mark_succeeded(tx, payment_id, intent_id=intent.id, now=now)
        await audit.record(tx, actor, clinic_id=payment.clinic_id, subjects=[payment_id])
        await books.complete(tx, actor, payment_id=payment_id, allocations=[], now=now)
        if locked.invoice_id:
            await invoice_payments.pay(tx, actor, payment_id=payment_id, invoice_id=locked.invoice_id, now=now)
        if catalogue:
            await _book(tx, actor, payment, together, catalogue, now=now)
    elif session.status == "expired" or (intent and intent.status == "canceled"):
        await _give_up(tx, actor, payment_id=payment_id)


def _is_exact(payment: CardPayment, intent: PaymentIntent) -> bool:
    try:
        return from_provider(intent.amount_received, intent.currency) == payment.amount
    except UnsupportedAmount:
        return False


async def _book(
    tx: Transaction,
    actor: Actor,
    payment: CardPayment,
    together: list[Appointment],
    catalogue: Catalogue,
    *,
    now: datetime,
) -> None:
    """Book the appointments that a payment is for. Refund the deposits of those that can no longer be booked."""
    lost: list[Appointment] = []
    for appointment in together:
        if appointment.status == Status.PENDING:
            await transitions.apply(
                tx, actor, appointment_id=appointment.id, name="confirm", if_match="*", paid=True, now=now
            )
        elif appointment.status == Status.CANCELLED:
            try:
                async with tx.savepoint():
                    await transitions.revive(tx, actor, appointment_id=appointment.id, now=now)
            except errors.Conflict:
                lost.append(appointment)
    if not lost:
        return
    deposits = await find_deposits(tx, catalogue, lost)
    due_back = sum(deposit.amount for deposit in deposits.values())
    amount = payment.amount.amount if len(lost) == len(together) else min(due_back, payment.amount.amount)
    if amount:
        await refunds.give_back(tx, actor, payment_id=payment.id, amount=amount, appointment_id=lost[0].id, now=now)
