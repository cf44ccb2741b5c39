"""Exports of a customer's personal data, and the results of erasing it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

import msgspec

from ...customers.corrections.model import Correction
from ...customers.guardians.model import Guardianship
from ...customers.model import Customer
from ...kit.structs import RequestBody
from ...messaging.notifications.model import Preferences
from .exported import (
    ExportedAppointment,
    ExportedCall,
    ExportedConsent,
    ExportedEntry,
    ExportedEvent,
    ExportedGuest,
    ExportedNotification,
    ExportedPatient,
    ExportedRecording,
    ExportedSession,
)
from .exported_money import ExportedInvoice, ExportedPayment

MAX_LIST_ENTRIES: Final = 5000
"""The maximum length of each list in an export. An entry takes a few kilobytes at most, but usually only a few hundred
bytes."""


class ExportQuery(RequestBody):
    format: Literal["json", "html"] | None = None
    """If omitted, the `Accept` header decides."""


ListName = Literal[
    "appointments",
    "calls",
    "guests",
    "recordingConsents",
    "recordings",
    "invoices",
    "payments",
    "notifications",
    "audit",
    "events",
]


class Export(msgspec.Struct, rename="camel"):
    """All stored data about a customer. Each list contains at most the newest 5,000 entries."""

    EXAMPLE: ClassVar = {
        "exportedAt": "2027-03-01T08:30:00Z",
        "customer": {
            "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
            "version": 1,
            "createdAt": "2027-02-01T10:15:00Z",
            "updatedAt": "2027-02-01T10:15:00Z",
            "name": "Ana Souza",
            "email": "ana@example.org",
            "phone": "+493012345678",
            "locale": "de",
            "region": "AT",
            "timeZone": "Europe/Berlin",
            "birthDate": "1990-05-17",
            "postalAddress": "Am Fichtenhain 7\n10115 Berlin",
            "active": True,
            "removedAt": None,
            "erasedAt": None,
        },
        "preferences": {"email": True, "sms": None},
        "patients": [
            {
                "clinicId": 1,
                "clinic": "Lakeside Clinic",
                "recordNumber": "2027-0113",
                "notes": None,
                "name": None,
                "email": None,
                "phone": "+493012345679",
                "locale": None,
                "birthDate": None,
                "postalAddress": None,
                "createdAt": "2027-02-01T10:15:00Z",
                "updatedAt": "2027-02-01T10:15:00Z",
            }
        ],
        "corrections": [Correction.EXAMPLE | {"actor": "user"}],
        "guardianships": [Guardianship.EXAMPLE],
        "appointments": [],
        "calls": [],
        "guests": [],
        "recordingConsents": [],
        "recordings": [],
        "invoices": [],
        "payments": [],
        "notifications": [],
        "sessions": [
            {"createdAt": "2027-03-01T08:00:00Z", "seenAt": "2027-03-01T08:29:00Z", "expiresAt": "2027-03-02T08:00:00Z"}
        ],
        "audit": [
            {
                "at": "2027-03-01T08:30:00Z",
                "clinicId": 0,
                "actor": "patient",
                "action": "exportCustomer",
                "subjects": ["01978a5c-7d3e-7a63-84f7-074d226b3d5d"],
                "address": None,
                "reason": None,
            }
        ],
        "events": [
            {
                "at": "2027-02-01T10:15:00Z",
                "clinicId": 0,
                "type": "customer.registered",
                "subjectId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
            }
        ],
        "cut": [],
    }

    exported_at: datetime
    customer: Customer
    preferences: Preferences
    patients: Sequence[ExportedPatient]
    corrections: Sequence[Correction]
    """What clinics' staff have corrected."""
    guardianships: Sequence[Guardianship]
    """People the customer can book for, and people who can book for the customer."""
    appointments: Sequence[ExportedAppointment]
    calls: Sequence[ExportedCall]
    guests: Sequence[ExportedGuest]
    recording_consents: Sequence[ExportedConsent]
    recordings: Sequence[ExportedRecording]
    invoices: Sequence[ExportedInvoice]
    payments: Sequence[ExportedPayment]
    notifications: Sequence[ExportedNotification]
    sessions: Sequence[ExportedSession]
    audit: Sequence[ExportedEntry]
    events: Sequence[ExportedEvent]
    cut: list[ListName]
    """The lists that were truncated."""


Count = Annotated[int, msgspec.Meta(ge=0)]


class ErasedCounts(msgspec.Struct, rename="camel"):
    """How many records of each kind were erased."""

    patients: Count = 0
    """Clinics' patient records whose notes and record number were erased."""
    appointments: Count = 0
    """Appointments whose notes and reasons were erased; their other data remains."""
    notifications: Count = 0
    """Notifications that had not been sent yet, or to which a provider had assigned an id."""
    messages: Count = 0
    """Messages in the development mailbox."""
    preferences: Count = 0
    sessions: Count = 0
    sign_in_codes: Count = 0
    requests: Count = 0
    """Stored requests that created the customer, kept in case callers repeat them."""


class RetainedRecord(msgspec.Struct, rename="camel"):
    """A clinic's record about the customer, which the clinic may have to keep by law: its notes, the record number, and
    the notes and reasons on appointments."""

    clinic_id: int
    clinic: str
    until: datetime | None
    """When the clinic's retention period ends; null if the clinic has not set one."""


class Erasure(msgspec.Struct, rename="camel"):
    """The result of erasing a customer."""

    EXAMPLE: ClassVar = {
        "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "erasedAt": "2027-03-01T08:30:00Z",
        "erased": {
            "patients": 1,
            "appointments": 3,
            "notifications": 4,
            "messages": 0,
            "preferences": 1,
            "sessions": 1,
            "signInCodes": 0,
            "requests": 0,
        },
        "retained": [{"clinicId": 1, "clinic": "Lakeside Clinic", "until": "2037-01-12T10:00:00Z"}],
    }

    customer_id: UUID
    erased_at: datetime
    erased: ErasedCounts
    retained: list[RetainedRecord] = msgspec.field(default_factory=list[RetainedRecord])
    """Records that clinics keep, without the customer's name, when customers erase themselves."""


def for_customer(export: Export) -> Export:
    """Return the customer's own export, without staff notes and without the identity of staff in audit entries."""
    replace = msgspec.structs.replace
    return replace(
        export,
        patients=[replace(patient, notes=None) for patient in export.patients],
        corrections=[replace(each, actor=each.actor.partition(":")[0]) for each in export.corrections],
        appointments=[
            replace(appointment, notes=None, staff_notes=None, override_reason=None)
            for appointment in export.appointments
        ],
        audit=[
            replace(entry, actor=entry.actor.partition(":")[0], address=None, reason=None) for entry in export.audit
        ],
    )
