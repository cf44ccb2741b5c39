"""What is held about a person, as they are given it, and what was erased of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

import msgspec

from ...customers.model import Customer
from ...kit.money import Money
from ...kit.structs import RequestBody
from ...messaging.notifications.model import Preferences

MOST: Final = 5000
"""The maximum number of entries per list in an export, newest first. Truncated lists are named. An entry has some kilobytes at most, and most have
some hundred bytes."""


class ExportQuery(RequestBody):
    format: Literal["json", "html"] | None = None
    """Without it, what `Accept` asks for."""


class ExportedPatient(msgspec.Struct, rename="camel"):
    """What a clinic stores about the person."""

    clinic_id: int
    clinic: str
    record_number: str | None
    notes: str | None
    """The staff's; null for the person themself."""
    created_at: datetime
    updated_at: datetime


class ExportedAppointment(msgspec.Struct, rename="camel"):
    """An appointment of the person, or one that they booked for somebody else."""

    id: UUID
    booking_id: UUID
    clinic_id: int
    clinic: str
    customer_id: UUID
    booker_id: UUID | None
    doctor: str
    appointment_type: str | None
    start_time: datetime
    end_time: datetime
    time_zone: str
    status: str
    price: Money | None
    notes: str | None
    """The staff's; null for the person themself, and where somebody else comes."""
    cancel_reason: str | None
    override_reason: str | None
    """The staff's, too."""
    created_at: datetime
    updated_at: datetime


class ExportedNotification(msgspec.Struct, rename="camel"):
    """What the person was told, or was to be."""

    clinic_id: int
    kind: str
    channel: str
    subject_id: str
    status: str
    reason: str | None
    created_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None


class ExportedSession(msgspec.Struct, rename="camel"):
    """Where the person is signed in."""

    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class ExportedEntry(msgspec.Struct, rename="camel"):
    """Somebody has changed or seen something of the person's."""

    at: datetime
    clinic_id: int
    actor: str
    """Who; to the person themself only what kind of caller it was."""
    action: str
    subjects: list[str]
    address: str | None
    """Where from; null for the person themself."""
    reason: str | None


class ExportedEvent(msgspec.Struct, rename="camel"):
    """A fact that names the person by their id."""

    at: datetime
    clinic_id: int
    type: str
    subject_id: str


ListName = Literal["appointments", "notifications", "audit", "events"]


class Export(msgspec.Struct, rename="camel"):
    """Everything that is held about a person. Each list is limited to its newest 5,000 entries."""

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
            "timeZone": "Europe/Berlin",
            "birthDate": "1990-05-17",
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
                "createdAt": "2027-02-01T10:15:00Z",
                "updatedAt": "2027-02-01T10:15:00Z",
            }
        ],
        "appointments": [],
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
    appointments: Sequence[ExportedAppointment]
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
    """Clinics' records, which lost notes and number."""
    appointments: Count = 0
    """They lost notes and reasons; the rest of them stays."""
    notifications: Count = 0
    """That waited to be sent, or that a provider has an id of."""
    messages: Count = 0
    """In the mailbox of development."""
    preferences: Count = 0
    sessions: Count = 0
    sign_in_codes: Count = 0
    requests: Count = 0
    """Remembered for callers who repeat them."""


class Erasure(msgspec.Struct, rename="camel"):
    """A customer is gone; once erased, they stay so."""

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
    }

    customer_id: UUID
    erased_at: datetime
    erased: ErasedCounts


def own(export: Export) -> Export:
    """The export for the person themself: without what staff have noted, and without who of the staff has looked."""
    replace = msgspec.structs.replace
    return replace(
        export,
        patients=[replace(patient, notes=None) for patient in export.patients],
        appointments=[replace(appointment, notes=None, override_reason=None) for appointment in export.appointments],
        audit=[
            replace(entry, actor=entry.actor.partition(":")[0], address=None, reason=None) for entry in export.audit
        ],
    )
