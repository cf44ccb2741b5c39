"""Webhooks and their deliveries: structs, states and signatures."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...events.facts import CATALOGUE, CustomerFact, Fact
from ...kit import fields
from ...kit.i18n import translatable
from ...kit.structs import PageQuery, RequestBody, Resource

MAX_WEBHOOKS: Final = 20
"""The limit per clinic."""
SECRET_BYTES: Final = 32
OLD_SECRET_TTL: Final = timedelta(hours=24)
"""How long deliveries are also signed with the old secret."""
EVENT_TYPES: Final = tuple(type for type, fact in CATALOGUE.items() if not issubclass(fact, CustomerFact))
"""The types of events that belong to a clinic. Events about customers belong to the platform."""


def _check_event_type(value: str) -> str | None:
    return None if value in EVENT_TYPES else translatable("is not a clinic event type")


Url = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^https?://\S+" + fields.END_OF_TEXT, max_length=2000, examples=["https://partner.example.com/appoint"]
    ),
]
EventType = Annotated[
    str,
    msgspec.Meta(
        extra={"check": _check_event_type},
        examples=["appointment.booked"],
        extra_json_schema={"enum": list(EVENT_TYPES)},
    ),
]
EventTypes = Annotated[list[EventType], msgspec.Meta(max_length=100)]
Secret = Annotated[str, msgspec.Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]
DeliveryStatus = Literal["queued", "delivered", "failed"]


class WebhookContent(RequestBody):
    """Where to send a clinic's events, and which ones."""

    url: Url
    """An https address without a user name. All of its host's addresses must be public."""
    description: fields.Text | None = None
    event_types: EventTypes = []
    """Leave this empty to receive all events."""


class WebhookPatch(RequestBody):
    url: Url | UnsetType = UNSET
    description: fields.Text | None | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    enabled: Literal[True] | UnsetType = UNSET
    """Enables a disabled webhook again. Queued events are sent, and events that have happened since it was disabled can
    be replayed.
    """


class Webhook(Resource):
    id: UUID
    clinic_id: int
    url: str
    description: str | None
    event_types: list[EventType]
    """Empty for all events."""
    active: bool
    removed_at: datetime | None
    disabled_at: datetime | None
    """When sending stopped, because the webhook had failed for five days or responded with 410 Gone."""
    failing_since: datetime | None
    """The time of the first failure since the last success."""


class WebhookWithSecret(Webhook):
    secret: Secret | None
    """The secret that signs deliveries, according to Standard Webhooks. Appoint returns it only once: it is null in the
    response to a repeated request. If it is lost, rotate it again."""


class Endpoint(msgspec.Struct, frozen=True):
    """The address to which a webhook's events are delivered, and the secrets that sign them."""

    url: str
    secret: bytes
    old_secret: bytes | None
    old_secret_until: datetime | None

    def valid_secrets(self, now: datetime) -> list[bytes]:
        """Return the current secret, and the old one while it is valid."""
        if self.old_secret and self.old_secret_until and self.old_secret_until > now:
            return [self.secret, self.old_secret]
        return [self.secret]


class DeliveryFilter(PageQuery):
    status: DeliveryStatus | None = None
    """Return only deliveries that are queued, have been delivered, or have failed permanently."""


class WebhookDelivery(Resource):
    """The delivery of an event to a webhook."""

    EXAMPLE: ClassVar = {
        "id": "00000001-0197-8f1b-8c55-02a1bf0e1d37",
        "version": 3,
        "createdAt": "2027-02-01T10:15:00Z",
        "updatedAt": "2027-02-01T10:15:05Z",
        "clinicId": 1,
        "webhookId": "00000001-0197-87d3-8c22-0b2ab7d0c4f1",
        "eventId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "eventType": "appointment.booked",
        "status": "queued",
        "attempts": 2,
        "dueAt": "2027-02-01T10:16:05Z",
        "responseStatus": 500,
        "reason": "responded with 500",
        "deliveredAt": None,
    }

    id: UUID
    clinic_id: int
    webhook_id: UUID
    event_id: UUID
    """The `webhook-id` for all attempts."""
    event_type: str
    status: DeliveryStatus
    attempts: int
    due_at: datetime
    """When the next attempt is due, while the delivery is queued."""
    response_status: int | None
    """The response status of the last attempt."""
    reason: str | None
    """Why the last attempt failed."""
    delivered_at: datetime | None


class WebhookTrial(msgspec.Struct, rename="camel"):
    """The outcome of sending a sample event."""

    EXAMPLE: ClassVar = {"delivered": False, "responseStatus": 500, "milliseconds": 84, "reason": "responded with 500"}

    delivered: bool
    response_status: int | None
    milliseconds: int
    reason: str | None


class ReplayQuery(RequestBody):
    EXAMPLE: ClassVar = {"since": "2027-03-01T08:30:00Z"}

    since: fields.Instant
    """At most 30 days ago, which is how long Appoint stores events."""


class WebhookReplay(msgspec.Struct):
    EXAMPLE: ClassVar = {"queued": 12}

    queued: int
    """The number of events that will be sent, including those that have been sent before."""


class WebhookTest(Fact):
    """The data in a sample event, which doesn't describe a change."""

    webhook_id: UUID


class Sample(msgspec.Struct, frozen=True):
    """The values that determine a sample event, so that a repeated request sends the same event."""

    webhook_id: UUID
    event_id: UUID
    at: datetime


class DeliveryOutcome(NamedTuple):
    """The outcome of one attempt."""

    response_status: int | None
    reason: str | None
    """None if the event was delivered."""
    milliseconds: int


GONE_STATUS: Final = 410


def describe_status(status: int) -> str | None:
    """Return why a response with this status is a failure; None if it is a success."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"responded with {status}; redirects are not followed"
    return "responded with 410: it no longer accepts events" if status == GONE_STATUS else f"responded with {status}"


def serialize_secret(secret: bytes) -> str:
    """Return a secret in the format its owner receives."""
    return "whsec_" + b64encode(secret).decode()


def signed_headers(message_id: str, body: bytes, *, secrets: Sequence[bytes], now: datetime) -> dict[str, str]:
    """Return the headers that identify and sign a message (Standard Webhooks 1.0.0), with one signature per secret.
    Recipients accept the message if any signature is valid."""
    timestamp = int(now.timestamp())
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = ["v1," + b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}
