"""What a broker is told: events as they are on the wire, in order per subject. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

LONGEST_WAIT_SECONDS: Final = 5.0


class Message(msgspec.Struct, frozen=True):
    position: int
    clinic_id: int
    event_id: UUID
    """Also the message's id, by which NATS and consumers know a repetition."""
    type: str
    subject_id: str
    body: str
    """A CloudEvent in JSON."""

    @property
    def topic(self) -> str:
        """What consumers choose by, such as `1.appointment.booked`."""
        return f"{self.clinic_id}.{self.type}"


def rounds(messages: Sequence[Message]) -> list[list[Message]]:
    """The messages, parted so that each round has one of a subject at most, and each subject's stay in order from round
    to round.

    Those of a round can be on their way at the same time: whatever becomes of each, none overtakes an earlier one of
    its subject.
    """
    found: list[list[Message]] = []
    seen: Counter[tuple[int, str]] = Counter()
    for message in messages:
        subject = (message.clinic_id, message.subject_id)
        if seen[subject] == len(found):
            found.append([])
        found[seen[subject]].append(message)
        seen[subject] += 1
    return found


def wait_after(failures: int) -> float:
    """Seconds until a broker that has failed so often in a row is tried again: 0.2, 0.4, 0.8 … 5."""
    return min(LONGEST_WAIT_SECONDS, 0.1 * 2 ** min(failures, 10))
