"""Draft invoices for appointments, and withdraw drafts that no longer apply."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...booking.bookings import service as bookings
from ...booking.model import LIVE, Appointment, Status
from ...clinics.appointment_types import service as types
from ...customers import service as customers
from ...database.pool import Transaction
from ...kit.actors import Actor
from ...kit.i18n import translate
from ..invoices import service as invoices
from ..invoices.model import InvoiceContent, LineContent, Occasion
from ..policies import service as policies
from ..policies.model import PaymentPolicy
from ..tax import Tax
from . import repository
from .repository import BillingFacts


async def draft_visit(tx: Transaction, actor: Actor, facts: BillingFacts, *, now: datetime) -> None:
    """Draft the invoice for an appointment that has a price, unless it has already been invoiced.

    At a clinic that invoices when appointments are booked, everything that was booked together shares one invoice.
    """
    policy = await policies.get_policy(tx, facts.clinic_id, type_id=facts.appointment_type_id)
    at_booking = policy.invoices_at == "booking"
    is_time = at_booking or (policy.invoices_at == "visit" and facts.status == Status.FULFILLED)
    if not is_time or not facts.price_amount or await repository.is_invoiced(tx, facts.id):
        return
    together = await bookings.list_together(tx, clinic_id=facts.clinic_id, booking_id=facts.booking_id)
    charged = [each for each in together if each.id == facts.id]
    if at_booking:
        charged += await _others_to_charge(tx, facts, together)
    payer_id = (facts.booker_id if at_booking and len(charged) > 1 else None) or facts.customer_id
    patient = await customers.get_patient(tx, facts.clinic_id, payer_id)
    language = patient.locale or await repository.find_language(tx, facts.clinic_id)
    await invoices.draft_for_occasion(
        tx,
        actor,
        clinic_id=facts.clinic_id,
        content=InvoiceContent(
            customer_id=payer_id,
            currency=facts.currency,
            language=language,
            lines=[await _line(tx, each, language) for each in charged],
        ),
        appointment_id=facts.id,
        occasion="visit",
        now=now,
    )


async def _others_to_charge(tx: Transaction, facts: BillingFacts, together: Sequence[Appointment]) -> list[Appointment]:
    """Return the appointments from the same booking that the same invoice can charge for."""
    others: list[Appointment] = []
    for each in together:
        is_priced = each.price and each.price.amount and each.price.currency == facts.currency
        if each.id == facts.id or not is_priced or each.status not in LIVE - {Status.PENDING}:
            continue
        policy = await policies.get_policy(tx, facts.clinic_id, type_id=each.appointment_type_id)
        if policy.invoices_at == "booking" and not await repository.is_invoiced(tx, each.id):
            others.append(each)
    return others


async def _line(tx: Transaction, appointment: Appointment, language: str) -> LineContent:
    assert appointment.price, "only appointments with a price are charged for"
    policy = await policies.get_policy(tx, appointment.clinic_id, type_id=appointment.appointment_type_id)
    description = await describe(tx, appointment.appointment_type_id, language)
    return line_of(description, appointment.price.amount, appointment.id, policy.tax)


def line_of(description: str, amount: int, appointment_id: UUID, tax: Tax) -> LineContent:
    return LineContent(
        description=description,
        unit_amount=amount,
        appointment_id=appointment_id,
        tax_category=tax.category,
        tax_rate=tax.rate,
        tax_reason=tax.reason,
    )


async def describe(tx: Transaction, type_id: UUID | None, language: str) -> str:
    """Return an invoice line's description of an appointment of this type."""
    return (await types.get(tx, type_id)).name if type_id else translate(language, "Appointment")


async def draft_fee(
    tx: Transaction,
    actor: Actor,
    facts: BillingFacts,
    policy: PaymentPolicy,
    *,
    amount: int,
    occasion: Occasion,
    label: str,
    now: datetime,
) -> None:
    """Draft a fee for an appointment that did not take place. Issue it at once if that is the clinic's policy."""
    patient = await customers.get_patient(tx, facts.clinic_id, facts.customer_id)
    language = patient.locale or await repository.find_language(tx, facts.clinic_id)
    visit = await describe(tx, facts.appointment_type_id, language)
    description = translate(language, label, visit=visit)
    draft = await invoices.draft_for_occasion(
        tx,
        actor,
        clinic_id=facts.clinic_id,
        content=InvoiceContent(
            customer_id=facts.customer_id,
            currency=facts.currency,
            language=language,
            lines=[line_of(description, amount, facts.id, policy.fee_tax)],
        ),
        appointment_id=facts.id,
        occasion=occasion,
        now=now,
    )
    if draft and policy.issues_fees:
        await invoices.issue(tx, actor, invoice_id=draft.id, if_match="*", now=now)


async def withdraw_fees(tx: Transaction, actor: Actor, facts: BillingFacts, *, now: datetime) -> None:
    """Delete the drafts of fees for an appointment that takes place after all."""
    for invoice_id in await repository.list_drafts(tx, facts.id, occasions=("noShow", "cancellation")):
        await invoices.delete(tx, actor, invoice_id=invoice_id, if_match="*", now=now)


async def withdraw_visit(tx: Transaction, actor: Actor, facts: BillingFacts, *, now: datetime) -> None:
    """Remove an appointment that will not take place from the drafts that Appoint made."""
    for invoice_id in await repository.list_drafts_with(tx, facts.id):
        await invoices.remove_appointment(tx, actor, invoice_id=invoice_id, appointment_id=facts.id, now=now)
