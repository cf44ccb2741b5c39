"""Message kinds and their placeholders, and the structs for templates."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Literal, NamedTuple, cast, get_args
from uuid import UUID

import msgspec

from ...clinics.appointment_types.model import Mode
from ...customers.corrections.model import Detail
from ...kit import errors, fields
from ...kit.structs import RequestBody
from ...payments.billing.model import Settlement
from ..channels.model import Channel
from .money import MoneyFacts

Kind = Literal[
    "confirmation",
    "moved",
    "place-changed",
    "cancelled",
    "reminder",
    "hold-expiring",
    "rebook",
    "hold-expired",
    "missed",
    "invoice",
    "receipt",
    "credit-note",
    "agenda",
    "stranded",
    "webhook-disabled",
    "call-failed",
]
CancelledBy = Literal["clinic", "patient"]
NoticeKind = Literal[
    "password-changed",
    "two-step-on",
    "two-step-off",
    "openid-linked",
    "openid-unlinked",
    "passkey-added",
    "passkey-removed",
    "authenticator-added",
    "authenticator-removed",
    "recovery-codes-created",
    "recovery-code-used",
    "api-key-created",
    "admin-token-created",
]
"""Messages that tell users about a change to the credentials of their account."""
AccountKind = Literal[
    "invitation",
    "clinic-joined",
    "password-reset",
    "sign-in-code",
    "address-code",
    "record-lookup",
    "details-corrected",
    "guardian-added",
    "guardian-ended",
    "address-changed",
    "confirmation-code",
    "payment-returned",
    NoticeKind,
]
"""Messages about an account or a person's record, and messages with codes. Clinics cannot replace their templates."""
TIME_PLACEHOLDERS: Final = ("when", "yours", "day", "time", "zone")
LIST_PLACEHOLDERS: Final = ("count", "appointments")
APPOINTMENT_PLACEHOLDERS: Final = (
    *("clinic", "phone", "address", "customer", "patient", "doctor", "type", "mode", "where"),
    *TIME_PLACEHOLDERS,
    *LIST_PLACEHOLDERS,
)
VISIT_PLACEHOLDERS: Final = ("preparation", "deadline", "link", "join_link", "opens_before")
PLACEHOLDERS: Final[Mapping[Kind | AccountKind, tuple[str, ...]]] = {
    "confirmation": (*APPOINTMENT_PLACEHOLDERS, *VISIT_PLACEHOLDERS),
    "moved": (*APPOINTMENT_PLACEHOLDERS, "before", "doctor_before", *VISIT_PLACEHOLDERS),
    "place-changed": (*APPOINTMENT_PLACEHOLDERS, *VISIT_PLACEHOLDERS),
    "cancelled": (*APPOINTMENT_PLACEHOLDERS, "cancelled_by", "reason", "money", "rebook_link"),
    "reminder": (*APPOINTMENT_PLACEHOLDERS, *VISIT_PLACEHOLDERS),
    "hold-expiring": (*APPOINTMENT_PLACEHOLDERS, "expires"),
    "rebook": (*APPOINTMENT_PLACEHOLDERS, "link"),
    "hold-expired": (*(name for name in APPOINTMENT_PLACEHOLDERS if name != "customer"), "link"),
    "missed": (*APPOINTMENT_PLACEHOLDERS, "rebook_link"),
    "invoice": ("clinic", "phone", "customer", "number", "amount", "open", "due", "link"),
    "credit-note": ("clinic", "phone", "customer", "number", "amount", "invoices"),
    "receipt": ("clinic", "phone", "customer", "number", "amount", "method", "invoices"),
    "agenda": ("clinic", "phone", "doctor", "day", "count", "appointments"),
    "stranded": ("clinic", "count", "appointments"),
    "webhook-disabled": ("clinic", "webhook"),
    "call-failed": ("clinic", "doctor", "when", "link"),
    "invitation": ("clinic", "user", "link"),
    "password-reset": ("clinic", "user", "link"),
    "clinic-joined": ("clinic", "user", "link"),
    **dict.fromkeys(get_args(NoticeKind), ("clinic", "user", "link")),
    "sign-in-code": ("clinic", "code"),
    "address-code": ("clinic", "code"),
    "record-lookup": ("clinic", "phone"),
    "details-corrected": ("clinic", "phone", "details"),
    "guardian-added": ("clinic", "phone", "guardian", "until", "link"),
    "guardian-ended": ("clinic", "phone", "guardian"),
    "address-changed": ("clinic", "changed"),
    "confirmation-code": ("clinic", "phone", "when", "code", "link"),
    "payment-returned": (*APPOINTMENT_PLACEHOLDERS, "money", "link"),
}
"""The placeholders that each kind of message can use."""
EMAIL_ONLY: Final = frozenset(
    {
        *("receipt", "credit-note", "agenda", "stranded", "webhook-disabled", "call-failed"),
        *("invitation", "clinic-joined", "password-reset", *get_args(NoticeKind)),
    }
)


class TemplateKey(NamedTuple):
    """Identifies a template."""

    kind: Kind | AccountKind
    channel: Channel
    language: fields.Locale


def template_key(kind: str, channel: str, language: str) -> TemplateKey:
    """Return the template key for a message whose template clinics can replace. Raise `NotFound` for other messages."""
    channels = get_args(Channel) if kind not in EMAIL_ONLY else ("email",)
    if kind not in get_args(Kind) or channel not in channels or language not in get_args(fields.Locale):
        raise errors.NotFound
    return TemplateKey(cast("Kind", kind), cast("Channel", channel), cast("fields.Locale", language))


class ListedAppointment(msgspec.Struct, frozen=True):
    """An appointment in a list."""

    start_time: datetime
    end_time: datetime
    customer: str
    doctor: str
    type: str | None = None
    id: UUID | None = None
    has_call: bool = False
    join_url: str | None = None
    """Where the doctor joins the video visit."""


class MessageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The data for a message's placeholders. In an agenda, `start_time` is any time on that day."""

    clinic: str
    time_zone: str
    clinic_phone: str | None = None
    clinic_address: str | None = None
    customer: str | None = None
    customer_time_zone: str | None = None
    region: str | None = None
    """The country whose formats the recipient has chosen."""
    doctor: str | None = None
    type: str | None = None
    preparation: str | None = None
    """What the customer should bring, or do before the appointment."""
    mode: Mode = "inPerson"
    start_time: datetime | None = None
    end_time: datetime | None = None
    old_start_time: datetime | None = None
    """A moved appointment's previous start time, if it has changed."""
    old_doctor: str | None = None
    """A moved appointment's previous doctor, if it has a different one now."""
    cancelled_by: CancelledBy | None = None
    cancel_reason: str | None = None
    settlement: Settlement | None = None
    """What happens to the money for an appointment that does not take place."""
    hold_expires_at: datetime | None = None
    appointments: Sequence[ListedAppointment] = ()
    together: "Sequence[MessageFacts]" = ()
    """Each appointment's own facts, in a message about several."""
    unsubscribe_url: str | None = None
    """Where the recipient can turn off these emails. It is added below the text."""
    webhook: str | None = None
    """The webhook's description, or else its URL."""
    user: str | None = None
    link: str | None = None
    """The recipient's next step: view the appointment or choose a password."""
    join_url: str | None = None
    """Where the patient joins their video visit."""
    opens_before_minutes: int | None = None
    """How long before the start its waiting room opens."""
    code: str | None = None
    """The sign-in or confirmation code."""
    patient: str | None = None
    """The patient's name, if the customer is only their guardian."""
    change_until: datetime | None = None
    """The deadline until which the customer can reschedule or cancel. None if it is too late."""
    rebook_url: str | None = None
    """Where the customer can book another appointment."""
    accent: str | None = None
    """The clinic's colour."""
    logo_url: str | None = None
    website: str | None = None
    privacy_url: str | None = None
    imprint_url: str | None = None
    """The clinic's legal pages, or else the platform's."""
    map_url: str | None = None
    """A map that the clinic has chosen. Without one, maps look up its address."""
    corrected_details: Sequence[Detail] = ()
    """What the clinic's staff corrected about the customer."""
    guardian: str | None = None
    """The person who can book for the customer, or who no longer can."""
    guardian_until: date | None = None
    address_changed_at: datetime | None = None
    """When the customer's address changed."""
    money: MoneyFacts | None = None


class TemplateText(NamedTuple):
    """A message's templates: one for its text and, except in text messages, one for its subject."""

    subject: str | None
    text: str


class Rendered(NamedTuple):
    subject: str  # empty for text messages
    text: str
    html: str | None = None
    fell_back: bool = False
    """Whether the clinic's own template was invalid and the default one was used."""


class TemplateContent(RequestBody):
    """A clinic's own template for a message: text with `{{ placeholder }}`, `{{ placeholder | upper }}` (or lower, or
    capitalize), and `{% if placeholder %}…{% elif placeholder == "text" %}…{% else %}…{% endif %}`. Conditions can use
    not, and, or."""

    text: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=10_000,
            examples=["Hello {{ customer }},\n\nwe look forward to seeing you: {{ when }}."],
        ),
    ]
    subject: (
        Annotated[str, msgspec.Meta(min_length=1, max_length=200, examples=["Your appointment on {{ day }}"])] | None
    ) = None
    """Required for emails; text messages have none."""

    @property
    def template(self) -> TemplateText:
        return TemplateText(self.subject, self.text)


class MessageTemplate(msgspec.Struct, kw_only=True, rename="camel"):
    """A message's template, and whether it is the clinic's own."""

    EXAMPLE: ClassVar = {
        "clinicId": 1,
        "kind": "confirmation",
        "channel": "email",
        "locale": "en",
        "subject": "Your appointment on {{ day }}",
        "text": "Hello {{ customer }},\n\nwe look forward to seeing you: {{ when }}.",
        "custom": True,
        "placeholders": list(APPOINTMENT_PLACEHOLDERS),
        "id": "00000001-0197-8bdd-85fb-0b80cd5c37fa",
        "version": 1,
        "createdAt": "2027-02-01T10:15:00Z",
        "updatedAt": "2027-02-01T10:15:00Z",
    }

    clinic_id: int
    kind: Kind
    channel: Channel
    locale: fields.Locale
    subject: str | None
    text: str
    custom: bool
    """false for the default template, which applies until the clinic replaces it."""
    placeholders: list[str]
    """The placeholders that its text and subject can use."""
    id: UUID | None
    version: int
    """0 for the default template."""
    created_at: datetime | None
    updated_at: datetime | None


class Preview(msgspec.Struct, kw_only=True):
    """The message that would be sent, filled in with example data."""

    EXAMPLE: ClassVar = {
        "subject": "Your appointment on Monday, March 1, 2027",
        "text": "Hello Ana Souza, …",
        "html": "<!doctype html>…",
    }

    subject: str | None
    text: str
    html: str | None
    """Only for emails."""
