"""Draft an appointment's invoice at staff's request."""

from datetime import datetime
from typing import Final
from uuid import UUID

from ... import audit
from ...booking import service as appointments
from ...clinics.appointment_types import service as appointment_types
from ...clinics.clinics import service as clinics
from ...customers import service as customers
from ...database.pool import Transaction
from ...kit import date_formats, errors
from ...kit.actors import Actor
from ...kit.i18n import translatable, translate
from ...kit.ids import clinic_of
from ..invoices import repository, service
from ..invoices.model import Invoice, InvoiceContent, LineContent
from ..policies import service as policies

VISIT: Final = translatable("Visit")


async def bill_appointment(
    tx: Transaction, actor: Actor, *, clinic_id: int, appointment_id: UUID, now: datetime
) -> Invoice:
    """Return the invoice for an appointment. Draft it if there is none, or if credit notes have fully reversed it.

    Raise `NotFound` for an unknown appointment or one whose customer is not the clinic's patient.
    """
    if clinic_of(appointment_id) != clinic_id:
        raise errors.NotFound
    earlier_id = await repository.find_for_appointment(tx, appointment_id)
    if earlier_id:
        earlier = await service.get(tx, earlier_id)
        is_reversed = earlier.total.amount and await repository.corrected_total(tx, earlier_id) == earlier.total.amount
        if not is_reversed:
            return earlier
    content = await _content(tx, clinic_id, appointment_id)
    invoice = await service.create(
        tx,
        clinic_id=clinic_id,
        content=content,
        appointment_id=None if earlier_id else appointment_id,
        occasion=None if earlier_id else "visit",
        now=now,
    )
    if invoice is None:
        raise errors.Conflict("invoice-issued")
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[invoice.id, content.customer_id, appointment_id])
    return invoice


async def _content(tx: Transaction, clinic_id: int, appointment_id: UUID) -> InvoiceContent:
    appointment = await appointments.get(tx, appointment_id)
    clinic = await clinics.get(tx, clinic_id)
    patient = await customers.get_patient(tx, clinic_id, appointment.customer_id)
    type_id = appointment.appointment_type_id
    type = await appointment_types.get(tx, type_id) if type_id else None
    language = patient.locale or clinic.locale
    name = type.name if type else translate(language, VISIT)
    tax = (await policies.get_policy(tx, clinic_id, type_id=type_id)).tax
    return InvoiceContent(
        customer_id=patient.id,
        currency=appointment.price.currency if appointment.price else None,
        language=language,
        lines=[
            LineContent(
                description=f"{name}, {date_formats.day(appointment.start_time, clinic.time_zone, language, 'short')}",
                unit_amount=appointment.price.amount if appointment.price else 0,
                appointment_id=appointment_id,
                tax_category=tax.category,
                tax_rate=tax.rate,
                tax_reason=tax.reason,
            )
        ],
    )
