"""Read a customer's personal data for an export."""

from collections.abc import Sequence
from uuid import UUID

from ....database.pool import Row, Statements, to
from ....kit.key_ring import EncryptedField, KeyRing
from ....kit.money import Money
from ....payments.invoices import repository as invoice_rows
from ....payments.numbers.model import format_number
from ....payments.parties import Party
from ..exported import (
    ExportedAppointment,
    ExportedEntry,
    ExportedEvent,
    ExportedNotification,
    ExportedPatient,
    ExportedSession,
)
from ..exported_money import ExportedInvoice, ExportedPayment


async def clinics_of(db: Statements, customer_id: UUID) -> list[int]:
    """Return the clinics where the customer is a patient, or has or had appointments."""
    rows = await db.fetch(
        """
        select clinic_id from appointment where customer_id = $1
        union
        select clinic_id from patient where customer_id = $1
        order by 1
        """,
        customer_id,
    )
    return [row.clinic_id for row in rows]


async def patients(db: Statements, customer_id: UUID, *, clinic_ids: Sequence[int]) -> list[ExportedPatient]:
    rows = await db.fetch(
        """
        select p.clinic_id, c.name as clinic, p.record_number, p.notes, p.corrected_name as name,
               p.corrected_email as email, p.corrected_phone as phone, p.corrected_locale as locale,
               p.corrected_birth_date as birth_date, p.corrected_postal_address as postal_address,
               p.created_at, p.updated_at
          from patient p
          join clinic c on c.id = p.clinic_id
         where p.clinic_id = any($2) and p.customer_id = $1
         order by p.clinic_id
        """,
        customer_id,
        clinic_ids,
    )
    return [_patient(row, customer_id, db.keys) for row in rows]


def _patient(row: Row, customer_id: UUID, keys: KeyRing) -> ExportedPatient:
    notes = keys.decrypt(row.notes, EncryptedField.PATIENT_NOTES, f"{row.clinic_id}/{customer_id}")
    return to(ExportedPatient, row, notes=notes)


async def appointments(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedAppointment]:
    """Return the customer's own appointments and those they booked for others, newest first."""
    rows = await db.fetch(
        """
        with visible as (
          select * from appointment where customer_id = $1 union select * from appointment where booker_id = $1
        )
        select a.id, a.booking_id, a.clinic_id, c.name as clinic, a.customer_id, a.booker_id, d.name as doctor,
               t.name as appointment_type, lower(a.during) as start_time, upper(a.during) as end_time, c.time_zone,
               a.status, a.price_amount, a.price_currency,
               case when a.customer_id = $1 then a.notes end as notes,
               case when a.customer_id = $1 then a.staff_notes end as staff_notes,
               case when a.customer_id = $1 then a.cancel_reason end as cancel_reason,
               case when a.customer_id = $1 then a.override_reason end as override_reason,
               a.created_at, a.updated_at
          from visible a
          join clinic c on c.id = a.clinic_id
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
         order by start_time desc, a.id
         limit $2
        """,
        customer_id,
        limit,
    )
    return [_appointment(row, db.keys) for row in rows]


def _appointment(row: Row, keys: KeyRing) -> ExportedAppointment:
    return ExportedAppointment(
        id=row.id,
        booking_id=row.booking_id,
        clinic_id=row.clinic_id,
        clinic=row.clinic,
        customer_id=row.customer_id,
        booker_id=row.booker_id,
        doctor=row.doctor,
        appointment_type=row.appointment_type,
        start_time=row.start_time,
        end_time=row.end_time,
        time_zone=row.time_zone,
        status=row.status,
        price=None if row.price_amount is None else Money(row.price_amount, row.price_currency),
        notes=keys.decrypt(row.notes, EncryptedField.APPOINTMENT_NOTES, row.id),
        staff_notes=keys.decrypt(row.staff_notes, EncryptedField.STAFF_NOTES, row.id),
        cancel_reason=keys.decrypt(row.cancel_reason, EncryptedField.CANCEL_REASON, row.id),
        override_reason=keys.decrypt(row.override_reason, EncryptedField.OVERRIDE_REASON, row.id),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def invoices(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedInvoice]:
    """Return the invoices and credit notes issued to the customer, newest first."""
    return [
        ExportedInvoice(
            id=invoice.id,
            clinic_id=invoice.clinic_id,
            clinic=clinic,
            kind=invoice.kind,
            number=invoice.number or "",
            issued_at=invoice.issued_at or invoice.created_at,
            total=invoice.total,
            paid=invoice.paid,
            buyer=invoice.buyer or Party(name=""),
            services=[line.description for line in invoice.lines],
        )
        for invoice, clinic in await invoice_rows.list_of_customer(db, customer_id, limit=limit)
    ]


async def payments(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedPayment]:
    """Return the customer's payments and credit, newest first."""
    rows = await db.fetch(
        """
        select p.id, p.clinic_id, c.name as clinic, p.method, p.status, p.amount, p.free, p.currency, p.series,
               p.number, p.created_at,
               coalesce((select sum(r.amount) from refund r
                          where r.clinic_id = p.clinic_id and r.payment_id = p.id and r.status <> 'failed'), 0)::bigint
                 as refunded
          from shown_payment p
          join clinic c on c.id = p.clinic_id
         where p.customer_id = $1 and p.method <> 'creditNote'
         order by p.created_at desc, p.id
         limit $2
        """,
        customer_id,
        limit,
    )
    return [
        ExportedPayment(
            id=row.id,
            clinic_id=row.clinic_id,
            clinic=row.clinic,
            method=row.method,
            status=row.status,
            amount=Money(row.amount, row.currency),
            left=Money(row.free, row.currency),
            refunded=Money(row.refunded, row.currency),
            receipt_number=format_number(row.series, row.number) if row.series else None,
            created_at=row.created_at,
        )
        for row in rows
    ]


async def notifications(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedNotification]:
    """Return the customer's notifications, newest first."""
    rows = await db.fetch(
        """
        select clinic_id, kind, channel, subject_id, status, reason, created_at, sent_at, delivered_at
          from notification
         where recipient = 'customer' and recipient_id = $1::uuid::text
         order by created_at desc
         limit $2
        """,
        customer_id,
        limit,
    )
    return [to(ExportedNotification, row) for row in rows]


async def sessions(db: Statements, customer_id: UUID) -> list[ExportedSession]:
    rows = await db.fetch(
        "select created_at, seen_at, expires_at from session where customer_id = $1 order by created_at", customer_id
    )
    return [to(ExportedSession, row) for row in rows]


async def audit(db: Statements, *, subjects: Sequence[str], limit: int) -> list[ExportedEntry]:
    """Return the audit entries about the subjects, newest first."""
    rows = await db.fetch(
        """
        (select at, clinic_id, actor, action, subjects, address, reason
           from audit_unsealed
          where subjects && $1
          order by at desc
          limit $2)
        union all
        (select at, clinic_id, actor, action, subjects, address, reason
           from audit_entry
          where subjects && $1
          order by at desc
          limit $2)
        order by at desc
        limit $2
        """,
        subjects,
        limit,
    )
    return [to(ExportedEntry, row) for row in rows]


async def events(db: Statements, customer_id: UUID, *, subjects: Sequence[str], limit: int) -> list[ExportedEvent]:
    """Return the stored events about the customer and the subjects, newest first."""
    rows = await db.fetch(
        """
        select created_at as at, clinic_id, type, subject_id
          from event
         where subject_id = any($2) or data ->> 'customerId' = $1::uuid::text
        union all
        select created_at, clinic_id, type, subject_id
          from event_log
         where subject_id = any($2) or data ->> 'customerId' = $1::uuid::text
        order by at desc
        limit $3
        """,
        customer_id,
        subjects,
        limit,
    )
    return [to(ExportedEvent, row) for row in rows]
