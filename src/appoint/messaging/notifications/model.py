"""Notification kinds, and their structs."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...clinics.appointment_types.model import Mode
from ...customers.corrections.model import Detail
from ...kit.fields import Locale
from ...kit.structs import RequestBody, Resource
from ..channels.model import Channel
from ..templates.model import CancelledBy
from .kinds import Recipient


class NotificationStatus(StrEnum):
    QUEUED = "queued"
    LEASED = "leased"
    """A worker is about to send it."""
    SENT = "sent"
    DEAD = "dead"
    """It will not be sent; `reason` says why."""
    SUPERSEDED = "superseded"
    """Its content is outdated."""


LinkKind = Literal["invitation", "password-reset"]
LINK_TTL: Final[Mapping[LinkKind, timedelta]] = {
    "invitation": timedelta(days=7),
    "password-reset": timedelta(hours=1),
}
"""How long the link in the message remains valid after the request. The message itself states the same duration."""
NOTICE_TTL: Final = timedelta(days=7)
"""How long Appoint tries to send a notice about changed credentials."""
CODE_TTL: Final = timedelta(minutes=10)
"""How long a sign-in code is valid. The message itself states the same duration."""


class Notification(Resource):
    EXAMPLE: ClassVar = {
        "id": "00000001-0197-8f5b-8c22-02e1f966150a",
        "version": 1,
        "createdAt": "2027-02-28T07:31:00Z",
        "updatedAt": "2027-02-28T08:12:04Z",
        "clinicId": 1,
        "kind": "reminder-1440",
        "subjectId": "00000001-0197-818c-8c22-0201f9661508",
        "sequence": 0,
        "recipient": "customer",
        "recipientId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "channel": "email",
        "status": "dead",
        "urgent": False,
        "dueAt": "2027-02-28T08:12:00Z",
        "expiresAt": "2027-03-01T08:30:00Z",
        "attempts": 1,
        "sentAt": None,
        "deliveredAt": None,
        "leaderId": None,
        "reason": "the mail server does not know this address (550)",
    }

    id: UUID
    clinic_id: int
    kind: str
    """For example, `confirmation`, or `reminder-1440` for a reminder sent that many minutes before the appointment."""
    subject_id: str
    """The appointment, doctor or absence it is about."""
    sequence: int
    recipient: Recipient
    recipient_id: str
    channel: Channel
    status: NotificationStatus
    urgent: bool
    due_at: datetime
    expires_at: datetime
    """The notification is not sent at or after this time."""
    attempts: int
    sent_at: datetime | None
    delivered_at: datetime | None
    """When the provider reported delivery, for providers that do."""
    leader_id: UUID | None
    """The notification whose message also contained this one; null if it had its own message."""
    reason: str | None
    """Why it was not sent, or has not been sent yet."""


class ListedNotification(NamedTuple):
    """A notification, as listed on staff pages."""

    id: UUID
    kind: str
    recipient: Recipient
    recipient_id: str
    channel: Channel
    status: NotificationStatus
    due_at: datetime
    attempts: int
    sent_at: datetime | None
    delivered_at: datetime | None
    reason: str | None
    name: str | None
    """The recipient's name, if the recipient is a person."""


class DeadNotification(NamedTuple):
    """A notification that will not be sent, as listed on the command line."""

    clinic_id: int
    id: UUID
    kind: str
    channel: Channel
    recipient: Recipient
    attempts: int
    reason: str | None
    due_at: datetime
    updated_at: datetime


class Preferences(RequestBody):
    """The channels on which a customer wants to receive messages. Without a preference, messages go by email if the
    customer has an address, otherwise by text message. Even customers who have turned off all channels get a message
    when an appointment is moved or cancelled."""

    email: bool | None = None
    sms: bool | None = None


class PlannedNotification(NamedTuple):
    clinic_id: int
    kind: str
    subject_id: str
    sequence: int
    recipient: Recipient
    recipient_id: str
    channel: Channel
    event_id: UUID | None
    urgent: bool
    due_at: datetime
    expires_at: datetime
    message_key: str | None
    """Notifications with the same key can share a message. None if the notification always has its own."""


class Contact(NamedTuple):
    """An event's recipient with one of their channels, and the clinic's quiet hours in minutes after midnight."""

    event_id: UUID
    recipient: Recipient
    recipient_id: str
    channel: Channel
    time_zone: str
    quiet_from: int | None
    quiet_until: int | None
    address: str = ""
    joinable_until: datetime | None = None
    """If the event is about a video visit, when it ends."""


class DueReminder(NamedTuple):
    clinic_id: int
    id: UUID
    """The appointment's id."""
    sequence: int
    start_time: datetime
    customer_id: UUID
    channel: Channel | None
    minutes: int
    ahead: timedelta
    time_zone: str
    quiet_from: int | None
    quiet_until: int | None
    address: str | None = None
    joinable_until: datetime | None = None
    """When the appointment ends, if it is a video visit."""
    first: tuple[datetime, UUID] | None = None
    """The start and id of the first appointment that day for which the reminder goes out."""


class NotificationContext(msgspec.Struct, frozen=True, kw_only=True):
    """A leased notification with the current state of its subject: appointment, customer, doctor, user, clinic and the
    clinic's own template. Fields that do not apply to its subject are None."""

    id: UUID
    clinic_id: int
    kind: str
    subject_id: str
    sequence: int
    recipient: Recipient
    recipient_id: str
    channel: Channel
    urgent: bool
    expires_at: datetime
    created_at: datetime
    attempts: int
    round: int
    """How many times it has been resent."""
    reason: str | None

    clinic: str | None
    clinic_phone: str | None
    clinic_email: str | None
    clinic_address: str | None
    clinic_active: bool | None
    clinic_colour: str | None
    clinic_website: str | None
    clinic_map_url: str | None
    clinic_logo_hash: str | None
    clinic_privacy_url: str | None
    clinic_imprint_url: str | None
    time_zone: str | None
    quiet_from: int | None
    quiet_until: int | None
    cancel_notice_minutes: int | None
    change_grace_minutes: int | None

    booking_id: UUID | None
    booked_at: datetime | None
    appointment_status: str | None
    appointment_sequence: int | None
    link_number: int | None
    start_time: datetime | None
    end_time: datetime | None
    hold_expires_at: datetime | None
    old_start_time: datetime | None
    old_doctor: str | None
    """The doctor before a move."""
    cancelled_by: CancelledBy | None
    cancel_reason: str | None
    """The clinic's reason, if the clinic cancelled."""
    needs_rebooking: bool
    rebook_by: str | None
    """How the clinic has asked the patient to choose a new time."""
    type: str | None
    preparation: str | None
    """What patients should bring, or do before the appointment."""
    mode: Mode
    opens_before_minutes: int | None
    """How long before the start the waiting room of a video visit opens. None if the appointment is not online, or the
    clinic has no video visits."""

    customer: str | None
    customer_version: int | None
    customer_email: str | None
    customer_phone: str | None
    customer_time_zone: str | None
    customer_active: bool | None
    customer_updated_at: datetime | None
    wanted: bool
    """Whether the customer accepts messages on this channel."""
    corrected_details: Sequence[Detail] | None
    guardian: str | None
    """The person who can book for the customer, or who no longer can."""
    guardian_until: date | None
    address_changed_at: datetime | None
    """When the address that the message goes to was removed from the customer's details."""
    patient: str | None
    """The patient's name, if the customer is only their guardian."""
    event_type: str | None

    doctor_id: UUID | None
    """The appointment's doctor."""
    doctor: str | None
    doctor_email: str | None
    doctor_active: bool | None

    user: str | None
    user_email: str | None
    user_credentials: int | None
    user_has_password: bool | None
    code_used_at: datetime | None
    webhook: str | None
    locale: Locale
    region: str | None
    """The country whose formats the recipient has chosen."""
    own_subject: str | None
    own_text: str | None
    hold_settled: bool
    """For a message about an expired hold: whether someone with the same address has booked at the clinic since, or has
    received such a message in the last 24 hours."""
    sent_today: int
    """If a stranger booked the appointment, how many messages the customer's address received in the last 24 hours."""
