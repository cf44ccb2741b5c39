"""A fixed address, such as a doctor's personal room."""

from datetime import datetime
from typing import Final

from .model import Connection, Person, ProviderFailure, Room


class FixedLinkGateway:
    def __init__(self, connection: Connection) -> None:
        self.connection: Final = connection

    async def make(self, room: Room) -> None:
        self._address(room)

    async def end(self, room: Room) -> None:
        pass

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:  # noqa: ARG002  the port's signature
        return self._address(room)

    def _address(self, room: Room) -> str:
        address = self.connection.doctor_links.get(room.doctor_id) or self.connection.url
        if not address:
            raise ProviderFailure("the doctor has no link")
        return address
