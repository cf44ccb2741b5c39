"""The development gateway. Its rooms are a page that shows who is in the call, without sound or pictures."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ...kit.signed_tokens import sign, verify
from .model import Person, Room

PURPOSE: Final = "demo-call"
PATH: Final = "/dev/calls"


class DemoEntry(NamedTuple):
    """A person in a demo room, until the call closes."""

    call_id: UUID
    name: str
    is_host: bool
    expires_at: float


class DemoGateway:
    def __init__(self, base_url: str, secret: str) -> None:
        self.base_url: Final = base_url
        self.secret: Final = secret

    def address_for(self, doctor_id: UUID) -> str:  # noqa: ARG002  the port's signature
        return self.base_url

    async def make(self, room: Room) -> None:
        pass

    async def end(self, room: Room) -> None:
        pass

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:  # noqa: ARG002  the port's signature
        entry = [str(room.call_id), person.name, person.is_host, int(room.closes_at.timestamp())]
        return f"{self.base_url}{PATH}/{sign(self.secret, PURPOSE, entry)}"


def read_entry(secret: str, token: str, *, now: datetime) -> DemoEntry | None:
    """Return the person that a token admits to a demo room, or None if it is invalid or has expired."""
    content = verify(secret, PURPOSE, token)
    if content is None:
        return None
    call_id, name, is_host, expires_at = content
    return DemoEntry(UUID(call_id), name, is_host, expires_at) if now.timestamp() < expires_at else None
