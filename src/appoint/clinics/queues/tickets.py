"""Tickets and passes: signed cookies that only one queue accepts."""

import struct
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from ...kit.signed_tokens import sign_bytes, verify_bytes

Kind = Literal["ticket", "pass"]
KINDS: Final[tuple[Kind, ...]] = ("ticket", "pass")
LAYOUT: Final = struct.Struct(">BQI")


class Ticket(NamedTuple):
    """A visitor's number in a queue or, if it has become a pass, the right to book."""

    kind: Kind
    number: int
    issued_at: datetime

    def age(self, now: datetime) -> float:
        """Return its age in seconds."""
        return (now - self.issued_at).total_seconds()


def cookie_name(clinic_id: int) -> str:
    """Return the name of the cookie for a clinic's queue. Each queue has its own, so that a visitor can wait in
    several."""
    return f"__Host-appoint-queue-{clinic_id}"


def encode(secret: str, clinic_id: int, ticket: Ticket) -> str:
    content = LAYOUT.pack(KINDS.index(ticket.kind), ticket.number, int(ticket.issued_at.timestamp()))
    return sign_bytes(secret, f"queue {clinic_id}", content)


def decode(secret: str, clinic_id: int, value: str) -> Ticket | None:
    """Return the ticket or pass, or None if it was not signed for this queue."""
    content = verify_bytes(secret, f"queue {clinic_id}", value, length=LAYOUT.size)
    if content is None:
        return None
    kind, number, issued_at = LAYOUT.unpack(content)
    return Ticket(KINDS[kind], number, datetime.fromtimestamp(issued_at, UTC))
