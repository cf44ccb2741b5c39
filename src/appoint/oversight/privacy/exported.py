"""The entries of a customer's export."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from ...calls.recordings.model import RecordingState
from ...kit.money import Money


class ExportedPatient(msgspec.Struct, rename="camel"):
    """A clinic's record of the customer."""

    clinic_id: int
    clinic: str
    record_number: str | None
    notes: str | None
    """Staff notes; null in the customer's own export."""
    name: str | None
    """This and the next five members contain what the clinic has entered, if it differs from the customer's own
    details.
    """
    email: str | None
    phone: str | None
    locale: str | None
    birth_date: date | None
    postal_address: str | None
    created_at: datetime
    updated_at: datetime


class ExportedAppointment(msgspec.Struct, rename="camel"):
    """One of the customer's own appointments, or one that they booked for someone else."""

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
    """Staff notes; null in the customer's own export, and for other people's appointments."""
    staff_notes: str | None
    """The staff's own notes; null in the customer's own export, and for other people's appointments."""
    cancel_reason: str | None
    override_reason: str | None
    """Why staff overrode the clinic's rules; null in the customer's own export, and for other people's appointments."""
    created_at: datetime
    updated_at: datetime


class ExportedCall(msgspec.Struct, rename="camel"):
    """A video visit."""

    clinic_id: int
    appointment_id: UUID
    start_time: datetime
    waiting_since: datetime | None
    """When the customer entered the waiting room."""
    joined_at: datetime | None
    """When the customer joined the call."""
    recording_requested_at: datetime | None
    """When the doctor decided to record the visit."""


class ExportedGuest(msgspec.Struct, rename="camel"):
    """Someone whom the customer brought to a video visit."""

    clinic_id: int
    appointment_id: UUID
    name: str
    created_at: datetime
    revoked_at: datetime | None


class ExportedConsent(msgspec.Struct, rename="camel"):
    """The customer's consent to the recording of a video visit."""

    clinic_id: int
    appointment_id: UUID
    words_version: int
    """The version of the text that the customer agreed to."""
    language: str
    given_by: str
    """The link through which the customer agreed."""
    given_at: datetime
    withdrawn_at: datetime | None


class ExportedRecording(msgspec.Struct, rename="camel"):
    """A recording of one of the customer's video visits. The export does not contain the recording itself."""

    clinic_id: int
    appointment_id: UUID
    state: RecordingState
    size: int | None
    """In bytes; null until Appoint has copied the recording, and once it is being deleted."""
    created_at: datetime
    delete_at: datetime | None
    """When the clinic's retention period for the recording ends."""


class ExportedNotification(msgspec.Struct, rename="camel"):
    """A notification to the customer, sent or not."""

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
    """One of the customer's sessions."""

    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class ExportedEntry(msgspec.Struct, rename="camel"):
    """An audit entry: someone changed or viewed the customer's data."""

    at: datetime
    clinic_id: int
    actor: str
    """The caller; in the customer's own export, only the kind of caller."""
    action: str
    subjects: list[str]
    address: str | None
    """The caller's network address; null in the customer's own export."""
    reason: str | None


class ExportedEvent(msgspec.Struct, rename="camel"):
    """An event that contains the customer's id."""

    at: datetime
    clinic_id: int
    type: str
    subject_id: str
