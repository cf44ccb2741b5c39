"""Messages for the broker: events in their wire format, in order within each subject. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

MAX_WAIT_SECONDS: Final = 5.0


class BrokerMessage(msgspec.Struct, frozen=True):
    position: int
    clinic_id: int
    event_id: UUID
    """Doubles as the message's id, which NATS and consumers use to detect duplicates."""
    type: str
    subject_id: str
    body: str
    """A CloudEvent in JSON."""

    @property
    def topic(self) -> str:
        """The routing key that consumers subscribe to, such as `1.appointment.booked`."""
        return f"{self.clinic_id}.{self.type}"


def divide_into_rounds(messages: Sequence[BrokerMessage]) -> list[list[BrokerMessage]]:
    """Divide the messages into rounds with at most one message per subject, in order.

    A round's messages can be sent concurrently: even if one fails, none overtakes an earlier message with the same
    subject.
    """
    parts: list[list[BrokerMessage]] = []
    counts: Counter[tuple[int, str]] = Counter()
    for message in messages:
        subject = (message.clinic_id, message.subject_id)
        if counts[subject] == len(parts):
            parts.append([])
        parts[counts[subject]].append(message)
        counts[subject] += 1
    return parts


def retry_delay(failures: int) -> float:
    """Return how many seconds to wait after this many consecutive failures: 0.2, 0.4, 0.8 … 5."""
    return min(MAX_WAIT_SECONDS, 0.1 * 2 ** min(failures, 10))
