"""Draft, issue and delete invoices."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.clinics import service as clinics
from ...customers import service as customers
from ...database.pool import Statements, Transaction
from ...events import repository as events
from ...events.facts import InvoiceIssued, InvoiceSettled, MoneyFact
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ...kit.ids import clinic_of
from ..coupons import repository as coupon_uses
from ..coupons import service as coupons
from ..ledger import service as ledger
from ..ledger.model import Posting
from ..numbers.repository import take_number
from ..parties import Party
from ..policies import service as policies
from ..policies.model import PaymentPolicy
from ..sellers import service as sellers
from . import deposits, repository
from .model import (
    Invoice,
    InvoiceContent,
    InvoicePatch,
    Kind,
    LineContent,
    LineDiscount,
    Occasion,
    OwnInvoice,
    line_content,
    price_lines,
)

MAX_OWN_INVOICES: Final = 200


async def get(db: Statements, invoice_id: UUID) -> Invoice:
    """Return an invoice or credit note, or raise `NotFound`."""
    if invoice := await repository.find(db, invoice_id):
        return invoice
    raise errors.NotFound


async def list_of_customer(db: Statements, customer_id: UUID) -> list[OwnInvoice]:
    """Return a customer's latest issued invoices and credit notes at all clinics, newest first."""
    return await repository.list_of_customer(db, customer_id, limit=MAX_OWN_INVOICES)


async def create(
    tx: Transaction,
    *,
    clinic_id: int,
    content: InvoiceContent,
    now: datetime,
    kind: Kind = "invoice",
    corrects_id: UUID | None = None,
    appointment_id: UUID | None = None,
    occasion: Occasion | None = None,
    prices_include_tax: bool | None = None,
) -> Invoice | None:
    """Draft an invoice. Return None if there is already one for the appointment and occasion.

    Raise `NotFound` for an unknown clinic or patient, `Invalid`, or a `coupon-not-valid` or `coupon-spent` `Conflict`.
    """
    clinic = await clinics.get_active(tx, clinic_id)
    patient = await customers.get_patient(tx, clinic_id, content.customer_id)
    _check_appointments(clinic_id, content.lines)
    invoice_id = await repository.add(
        tx,
        clinic_id,
        kind=kind,
        corrects_id=corrects_id,
        customer_id=content.customer_id,
        currency=content.currency or clinic.currency,
        language=content.language or patient.locale or clinic.locale,
        note=content.note,
        appointment_id=appointment_id,
        occasion=occasion,
    )
    if invoice_id is None:
        return None
    policy = await policies.get_policy(tx, clinic_id)
    if prices_include_tax is not None:
        policy = msgspec.structs.replace(policy, prices_include_tax=prices_include_tax)
    is_for_visits = kind == "invoice" and occasion in (None, "visit")
    await _write_lines(tx, invoice_id, content.customer_id, content.lines, policy, is_for_visits=is_for_visits, now=now)
    return await get(tx, invoice_id)


async def draft(tx: Transaction, actor: Actor, *, clinic_id: int, content: InvoiceContent, now: datetime) -> Invoice:
    """Draft an invoice that staff have entered, as `create` does."""
    invoice = await create(tx, clinic_id=clinic_id, content=content, now=now)
    assert invoice, "only drafts for an occasion can exist already"
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[invoice.id, content.customer_id])
    return invoice


async def draft_for_occasion(
    tx: Transaction,
    actor: Actor,
    *,
    clinic_id: int,
    content: InvoiceContent,
    appointment_id: UUID,
    occasion: Occasion,
    now: datetime,
) -> Invoice | None:
    """Draft an invoice for what happened to an appointment, as `create` does. Return None if there already is one."""
    invoice = await create(
        tx, clinic_id=clinic_id, content=content, appointment_id=appointment_id, occasion=occasion, now=now
    )
    if invoice:
        await audit.record(tx, actor, clinic_id=clinic_id, subjects=[invoice.id, content.customer_id])
    return invoice


async def remove_appointment(
    tx: Transaction, actor: Actor, *, invoice_id: UUID, appointment_id: UUID, now: datetime
) -> None:
    """Remove an appointment that will not take place from a draft. Delete the draft if nothing is left on it."""
    current = await get(tx, invoice_id)
    lines = [line_content(line) for line in current.lines if line.appointment_id != appointment_id]
    if lines:
        await change(tx, actor, invoice_id=invoice_id, patch=InvoicePatch(lines=lines), if_match="*", now=now)
    else:
        await delete(tx, actor, invoice_id=invoice_id, if_match="*", now=now)


async def change(
    tx: Transaction, actor: Actor, *, invoice_id: UUID, patch: InvoicePatch, if_match: str | None, now: datetime
) -> Invoice:
    """Change a draft. Raise an `invoice-issued` `Conflict` if it is no longer one."""
    current = await lock_draft(tx, invoice_id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[invoice_id])
    note = current.note if patch.note is msgspec.UNSET else patch.note
    language = current.language if patch.language is msgspec.UNSET else patch.language
    await repository.change(tx, invoice_id, language=language, note=note)
    if patch.lines is not msgspec.UNSET:
        _check_appointments(current.clinic_id, patch.lines)
        await coupon_uses.release_uses(tx, invoice_id, now=now)
        policy = await policies.get_policy(tx, current.clinic_id)
        is_for_visits = current.occasion in (None, "visit")
        await _write_lines(
            tx, invoice_id, current.customer_id, patch.lines, policy, is_for_visits=is_for_visits, now=now
        )
    return await get(tx, invoice_id)


async def delete(tx: Transaction, actor: Actor, *, invoice_id: UUID, if_match: str | None, now: datetime) -> None:
    """Delete a draft, and release its coupons. Raise an `invoice-issued` `Conflict` if it is no longer a draft."""
    current = await lock_draft(tx, invoice_id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[invoice_id])
    await coupon_uses.release_uses(tx, invoice_id, now=now)
    await repository.delete(tx, invoice_id)


async def issue(tx: Transaction, actor: Actor, *, invoice_id: UUID, if_match: str | None, now: datetime) -> Invoice:
    """Issue a draft: give it its number and copies of both parties' details, and post it. Put deposits for its
    appointments towards it at once.

    Raise `NotFound`, `Invalid` for a draft without lines, or an `invoice-issued` `Conflict`.
    """
    shares = await deposits.lock_shares(tx, await get(tx, invoice_id))  # lock payments before invoices, as everywhere
    draft = await lock_draft(tx, invoice_id, if_match)
    await audit.record(tx, actor, clinic_id=draft.clinic_id, subjects=[invoice_id, draft.customer_id])
    issued = await issue_draft(tx, draft, now=now)
    if not shares:
        return issued
    await deposits.pay_with(tx, actor, issued, shares)
    return await get(tx, invoice_id)


async def issue_draft(tx: Transaction, draft: Invoice, *, now: datetime) -> Invoice:
    """Issue a locked draft. Raise `Invalid` if it has no lines."""
    if not draft.lines:
        raise errors.Invalid(errors.Fault("#/lines", "must not be empty"))
    clinic = await clinics.get(tx, draft.clinic_id)
    patient = await customers.get_patient(tx, draft.clinic_id, draft.customer_id)
    policy = await policies.get_policy(tx, draft.clinic_id)
    today = clock.local_date(now, clinic.time_zone)
    number = await take_number(tx, draft.clinic_id, policy.series_of(draft.kind, today.year), invoice_id=draft.id)
    await repository.issue(
        tx,
        draft.id,
        number,
        now=now,
        due_on=today + timedelta(days=policy.payment_terms_days) if draft.kind == "invoice" else None,
        buyer=Party(name=patient.name, address=patient.postal_address, email=patient.email, phone=patient.phone),
        seller=await sellers.get_party(tx, clinic),
    )
    issued = await get(tx, draft.id)
    corrected = await get(tx, issued.corrects_id) if issued.corrects_id else issued
    await ledger.post(tx, issued.clinic_id, _postings(issued, corrected.occasion))
    if issued.kind == "invoice":
        await append_event(tx, "invoice.issued", issued, InvoiceIssued(issued.customer_id))
        if issued.settled:
            await append_event(tx, "invoice.settled", issued, InvoiceSettled(issued.customer_id), later=1)
    return issued


async def lock_draft(tx: Transaction, invoice_id: UUID, if_match: str | None) -> Invoice:
    """Lock and return a draft. Raise `NotFound`, an `invoice-issued` `Conflict`, or `VersionMismatch`."""
    is_draft = await repository.lock_draft(tx, invoice_id)
    current = await get(tx, invoice_id)
    await clinics.check_version(tx, clinic_of(invoice_id), if_match=if_match, version=current.version)
    if not is_draft:
        raise errors.Conflict("invoice-issued")
    return current


async def append_event(tx: Transaction, type: str, invoice: Invoice, fact: MoneyFact, *, later: int = 0) -> None:
    await events.append_event(
        tx,
        clinic_id=invoice.clinic_id,
        type=type,
        subject_id=str(invoice.id),
        subject_version=invoice.version + later,
        data=msgspec.json.encode(fact).decode(),
    )


async def _write_lines(
    tx: Transaction,
    invoice_id: UUID,
    customer_id: UUID,
    lines: Sequence[LineContent],
    policy: PaymentPolicy,
    *,
    is_for_visits: bool,
    now: datetime,
) -> None:
    """Use the lines' coupons, and those that appointments were booked with. Compute the lines' amounts, and write the
    lines."""
    discounts: dict[int, LineDiscount] = {}
    for position, line in enumerate(lines):
        price = line.quantity * line.unit_amount
        if line.coupon:
            use_id, discount = await coupons.use(
                tx,
                clinic_id=clinic_of(invoice_id),
                code=line.coupon,
                customer_id=customer_id,
                type_id=await repository.find_type(tx, line.appointment_id) if line.appointment_id else None,
                appointment_id=line.appointment_id,
                now=now,
            )
            discounts[position] = LineDiscount(use_id, discount.of(price))
        elif line.appointment_id and is_for_visits:
            coupon_use = await coupons.find_discount(tx, line.appointment_id, invoice_id=invoice_id)
            if coupon_use and coupon_use[0] not in {each.coupon_use_id for each in discounts.values()}:
                discounts[position] = LineDiscount(coupon_use[0], coupon_use[1].of(price))
    priced, total = price_lines(lines, policy, discounts)
    await repository.replace_lines(tx, invoice_id, priced, total=total, includes_tax=policy.prices_include_tax)


def _check_appointments(clinic_id: int, lines: Sequence[LineContent]) -> None:
    faults = [
        errors.Fault(f"#/lines/{position}/appointmentId", translatable("belongs to another clinic"))
        for position, line in enumerate(lines)
        if line.appointment_id and clinic_of(line.appointment_id) != clinic_id
    ]
    if faults:
        raise errors.Invalid(*faults)


def _postings(invoice: Invoice, occasion: Occasion | None) -> list[Posting]:
    """Return the transfers for an issued invoice or credit note. The occasion is that of the invoice itself."""
    kind = "invoice" if invoice.kind == "invoice" else "correction"
    net = "fee" if occasion in ("noShow", "cancellation") else "net"
    currency = invoice.total.currency
    tax = sum(line.tax for line in invoice.lines)
    return [
        Posting(f"{kind}-{net}", currency, invoice.total.amount - tax, invoice.customer_id, invoice.id),
        Posting(f"{kind}-tax", currency, tax, invoice.customer_id, invoice.id),
    ]


def contents_of(invoice: Invoice) -> list[LineContent]:
    """Return an invoice's lines as they would have been entered."""
    return [line_content(line) for line in invoice.lines]
