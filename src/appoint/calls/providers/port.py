"""What calls ask of a provider."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol, runtime_checkable
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


@runtime_checkable
class RecordingSource(Protocol):
    """What a gateway can do besides, if its provider records calls. Both methods raise `ProviderFailure`."""

    async def find_recording(self, recording_id: str) -> str:
        """Return an address, valid for a while, from which anyone can download a recording."""
        ...

    async def delete_recording(self, recording_id: str) -> None:
        """Delete a recording at the provider, unless it is gone already."""
        ...


@runtime_checkable
class RoomDirectory(Protocol):
    """Additional methods of gateways whose provider's rooms exist even without anyone in them. Both methods raise
    `ProviderFailure`."""

    def list_rooms(self) -> AsyncIterator[str]:
        """Yield the names of all rooms at the provider, including those that other systems have made."""
        ...

    async def remove(self, name: str) -> None:
        """Remove a room, unless it has already gone."""
        ...
