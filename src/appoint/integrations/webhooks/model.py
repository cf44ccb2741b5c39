"""Webhooks: what a partner's system is sent, how it is signed, and when it is tried again."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...events.model import CATALOGUE, CustomerFact, Fact
from ...kit import fields
from ...kit.i18n import translatable
from ...kit.structs import PageQuery, RequestBody, Resource

MOST_WEBHOOKS: Final = 20
SECRET_BYTES: Final = 32
OVERLAP: Final = timedelta(hours=24)
"""How long deliveries are also signed with the old secret."""
PATIENCE: Final = timedelta(days=5)
"""A webhook that has failed for so long, without any success, is disabled."""
EVENT_TYPES: Final = tuple(type for type, fact in CATALOGUE.items() if not issubclass(fact, CustomerFact))
"""Of events that are a clinic's; customers are the platform's."""


def _known(value: str) -> str | None:
    return None if value in EVENT_TYPES else translatable("is not an event type of clinics")


Url = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^https?://\S+" + fields.END_OF_TEXT, max_length=2000, examples=["https://partner.example.com/appoint"]
    ),
]
EventType = Annotated[
    str,
    msgspec.Meta(
        extra={"check": _known}, examples=["appointment.booked"], extra_json_schema={"enum": list(EVENT_TYPES)}
    ),
]
EventTypes = Annotated[list[EventType], msgspec.Meta(max_length=100)]
Secret = Annotated[str, msgspec.Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]
DeliveryStatus = Literal["queued", "delivered", "failed"]


class WebhookContent(RequestBody):
    """Where to send a clinic's events, and which ones."""

    url: Url
    """https, without a user name; its host has public addresses only."""
    description: fields.Text | None = None
    event_types: EventTypes = []
    """None: all."""


class WebhookPatch(RequestBody):
    url: Url | UnsetType = UNSET
    description: fields.Text | None | UnsetType = UNSET
    event_types: EventTypes | UnsetType = UNSET
    enabled: Literal[True] | UnsetType = UNSET
    """Switches a disabled one on again; what waits is sent, what happened meanwhile can be replayed."""


class Webhook(Resource):
    id: UUID
    clinic_id: int
    url: str
    description: str | None
    event_types: list[EventType]
    """None: all."""
    active: bool
    removed_at: datetime | None
    disabled_at: datetime | None
    """Nothing is sent any more since then, because it failed for five days, or answered 410 Gone."""
    failing_since: datetime | None
    """The first failure after the last success."""


class WebhookWithSecret(Webhook):
    secret: Secret
    """Signs what is sent, by the rules of Standard Webhooks. It is shown this once."""


class DeliveryFilter(PageQuery):
    status: DeliveryStatus | None = None
    """Only those that wait, that have arrived, or that were given up."""


class WebhookDelivery(Resource):
    """An event on its way to a webhook."""

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
        "reason": "answered 500",
        "deliveredAt": None,
    }

    id: UUID
    clinic_id: int
    webhook_id: UUID
    event_id: UUID
    """What is sent as `webhook-id`, however often."""
    event_type: str
    status: DeliveryStatus
    attempts: int
    due_at: datetime
    """When it was or will be tried, while it is queued."""
    response_status: int | None
    """Of the last try."""
    reason: str | None
    """Why the last try failed."""
    delivered_at: datetime | None


class WebhookTrial(msgspec.Struct, rename="camel"):
    """What became of a sample event."""

    EXAMPLE: ClassVar = {"delivered": False, "responseStatus": 500, "milliseconds": 84, "reason": "answered 500"}

    delivered: bool
    response_status: int | None
    milliseconds: int
    reason: str | None


class ReplayQuery(RequestBody):
    EXAMPLE: ClassVar = {"since": "2027-03-01T08:30:00Z"}

    since: fields.Instant
    """As far back as events are kept, which is 30 days."""


class WebhookReplay(msgspec.Struct):
    EXAMPLE: ClassVar = {"queued": 12}

    queued: int
    """How many events will be sent, or sent once more."""


class WebhookTest(Fact):
    """A sample event, which says that nothing happened."""

    webhook_id: UUID


class Sample(msgspec.Struct, frozen=True):
    """What makes a sample event the same again, when the request for it is repeated."""

    webhook_id: UUID
    event_id: UUID
    at: datetime


class Outcome(NamedTuple):
    """What became of one try."""

    response_status: int | None
    reason: str | None
    """None: it is delivered."""
    milliseconds: int


GONE: Final = 410


def refusal(status: int) -> str | None:
    """Why an answer with this status is not a success; None when it is one."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"answered {status}, and redirects are not followed"
    return "answered 410: it wants nothing any more" if status == GONE else f"answered {status}"


WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=15),
)


def wait_after(attempts: int, *, jitter: float) -> timedelta | None:
    """How long a delivery that has failed so often waits, up to a tenth less or more as `jitter` goes from 0 to 1; None
    after the eighth try, about a day after the first."""
    return WAITS[attempts - 1] * (0.9 + 0.2 * jitter) if attempts <= len(WAITS) else None


def serialized(secret: bytes) -> str:
    """A secret as its owner keeps it."""
    return "whsec_" + b64encode(secret).decode()


def signed(message_id: str, body: bytes, *, secrets: Sequence[bytes], now: datetime) -> dict[str, str]:
    """Headers that say which message this is and that it is ours (Standard Webhooks 1.0.0): a signature for each
    secret, any of which may be checked."""
    timestamp = int(now.timestamp())
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = ["v1," + b64encode(hmac.digest(secret, content, "sha256")).decode() for secret in secrets]
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": " ".join(signatures)}
