"""What calls ask of a provider."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from .model import Person, Room


class CallGateway(Protocol):
    """Every method can be repeated, and raises `ProviderFailure` if the provider is unavailable or refuses."""

    def address_for(self, doctor_id: UUID) -> str:
        """Return the address of the provider's site that this doctor's calls lead to."""
        ...

    async def make(self, room: Room) -> None:
        """Make the room, unless it exists already."""
        ...

    async def end(self, room: Room) -> None:
        """End the room, unless it has already ended or was never made."""
        ...

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:
        """Return the address at which this person enters the room. It is for this person alone, and short-lived if the
        provider supports that."""
        ...
