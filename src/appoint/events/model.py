"""Events (facts with their subject and origin), their wire format, and the delays between attempts to relay them."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from .facts import CATALOGUE, Fact


class StoredEvent(Protocol):
    """An event as the outbox and the log store it, with its fact as JSON."""

    @property
    def clinic_id(self) -> int: ...
    @property
    def id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def subject_id(self) -> str: ...
    @property
    def subject_version(self) -> int: ...
    @property
    def data(self) -> str: ...
    @property
    def traceparent(self) -> str | None: ...
    @property
    def created_at(self) -> datetime: ...


class Event(NamedTuple):
    """A fact with its subject and origin. Events for a subject are relayed in `(subject_version, id)` order."""

    clinic_id: int
    """0 for a platform event."""
    id: UUID
    type: str
    subject_id: str
    subject_version: int
    fact: Fact
    traceparent: str | None
    created_at: datetime


def decode_fact(type: str, data: str) -> Fact:
    """Decode a fact from JSON. Raise `msgspec.ValidationError` or `KeyError` if it does not match the catalogue."""
    return msgspec.json.decode(data, type=CATALOGUE[type])


def cloud_event(event: Event) -> bytes:
    """Encode the event as CloudEvents 1.0 JSON. The `subjectversion` extension gives the order of events for a
    subject."""
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": f"/clinics/{event.clinic_id}",
            "type": event.type,
            "subject": event.subject_id,
            "time": event.created_at,
            "datacontenttype": "application/json",
            **({"traceparent": event.traceparent} if event.traceparent else {}),
            "subjectversion": event.subject_version,
            "data": event.fact,
        }
    )


MAX_ATTEMPTS: Final = 8


def retry_delay(attempts: int) -> timedelta | None:
    """Return the delay after this many failed attempts, or None to park the event.

    The delays of 1, 2, 4 … 64 seconds add up to about two minutes.
    """
    return timedelta(seconds=2 ** (attempts - 1)) if attempts < MAX_ATTEMPTS else None
