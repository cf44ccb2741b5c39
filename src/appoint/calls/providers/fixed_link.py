"""A fixed address, such as a doctor's personal room."""

from datetime import datetime
from typing import Final
from uuid import UUID

from .failures import ProviderFailure
from .model import Connection, Person, Room


class FixedLinkGateway:
    def __init__(self, connection: Connection) -> None:
        self.connection: Final = connection

    def address_for(self, doctor_id: UUID) -> str:
        address = self.connection.doctor_links.get(doctor_id) or self.connection.url
        if not address:
            raise ProviderFailure("no-link")
        return address

    async def make(self, room: Room) -> None:
        self.address_for(room.doctor_id)

    async def end(self, room: Room) -> None:
        pass

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:  # noqa: ARG002  the port's signature
        return self.address_for(room.doctor_id)
