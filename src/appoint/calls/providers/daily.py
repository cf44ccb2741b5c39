"""Daily, a hosted service whose rooms are made through its API.

Rooms are private: only a token admits people, and we request each token when its holder presses the button.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec

from .failures import ProviderFailure
from .model import Connection, Person, Room
from .transport import MAX_LIST_BYTES, Request, Response, Transport, refusal

API: Final = "https://api.daily.co/v1"
PAGE_SIZE: Final = 100
MAX_PAGES: Final = 1000
MAX_ATTEMPTS: Final = 3
T = TypeVar("T", bound=msgspec.Struct)


class RoomRecord(msgspec.Struct):
    id: str
    name: str
    privacy: str = "public"


class RoomPage(msgspec.Struct):
    data: list[RoomRecord]


class MeetingToken(msgspec.Struct):
    token: str


class AccessLink(msgspec.Struct):
    download_link: str


class DailyGateway:
    """We choose the room's name, so making it again finds the existing room."""

    def __init__(self, connection: Connection, transport: Transport) -> None:
        self.connection: Final = connection
        self.transport: Final = transport

    def address_for(self, doctor_id: UUID) -> str:  # noqa: ARG002  the port's signature
        return self.connection.url

    async def make(self, room: Room) -> None:
        if not (self.connection.url and self.connection.secret):
            raise ProviderFailure("incomplete-settings")
        response = await self._send(
            "POST",
            "/rooms",
            {
                "name": room.name,
                "privacy": "private",
                "properties": {
                    "nbf": int(room.opens_at.timestamp()),
                    "exp": int(room.closes_at.timestamp()),
                    "eject_at_room_exp": True,
                    "enable_knocking": False,
                },
            },
        )
        if response.status == 400:  # what Daily responds if the name is taken, among other reasons
            response = await self._send("GET", f"/rooms/{quote(room.name)}")
        if _decode(response, RoomRecord).privacy != "private":
            raise ProviderFailure("room-not-private")

    async def end(self, room: Room) -> None:
        await self.remove(room.name)

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:  # noqa: ARG002  the port's signature
        response = await self._send(
            "POST",
            "/meeting-tokens",
            {
                "properties": {
                    "room_name": room.name,
                    "nbf": int(room.opens_at.timestamp()),
                    "exp": int(room.closes_at.timestamp()),
                    "eject_at_token_exp": True,
                    "is_owner": person.is_host,
                    "user_name": person.name,
                    "user_id": person.id,
                    # the room does not allow recordings, so no other token can start one
                    **({"enable_recording": "cloud"} if person.can_record else {}),
                }
            },
        )
        token = _decode(response, MeetingToken).token
        return f"{self.connection.url.rstrip('/')}/{quote(room.name)}?{urlencode({'t': token})}"

    async def list_rooms(self) -> AsyncIterator[str]:
        """Yield the names of all rooms in the account, newest first."""
        known_ids: set[str] = set()
        after: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            path = f"/rooms?{urlencode({'limit': str(PAGE_SIZE), **after})}"
            page = await self._read_page(path)
            rooms = [room for room in page.data if room.id not in known_ids]
            if not rooms:
                return
            for room in rooms:
                known_ids.add(room.id)
                yield room.name
            after = {"starting_after": page.data[-1].id}

    async def _read_page(self, path: str) -> RoomPage:
        """Read a page, and try again if that fails. Otherwise, a long list would hardly ever be complete."""
        for _ in range(MAX_ATTEMPTS - 1):
            with suppress(ProviderFailure):
                return _decode(await self._send("GET", path, max_bytes=MAX_LIST_BYTES), RoomPage)
        return _decode(await self._send("GET", path, max_bytes=MAX_LIST_BYTES), RoomPage)

    async def remove(self, name: str) -> None:
        response = await self._send("DELETE", f"/rooms/{quote(name)}")
        if response.status not in (200, 404):
            raise refusal(response.status)

    async def find_recording(self, recording_id: str) -> str:
        response = await self._send("GET", f"/recordings/{quote(recording_id, safe='')}/access-link")
        return _decode(response, AccessLink).download_link

    async def delete_recording(self, recording_id: str) -> None:
        response = await self._send("DELETE", f"/recordings/{quote(recording_id, safe='')}")
        if response.status not in (200, 404):
            raise refusal(response.status)

    async def _send(self, method: str, path: str, content: Any = None, **limits: int) -> Response:
        if not is_api_key(self.connection.secret):
            raise ProviderFailure("invalid-key")
        headers = {"Authorization": f"Bearer {self.connection.secret}"}
        body = b"" if content is None else msgspec.json.encode(content)
        if body:
            headers["Content-Type"] = "application/json"
        return await self.transport(Request(method, API + path, headers, body, **limits))


def is_api_key(text: str) -> bool:
    """Return whether this can be an API key: it fits into a header."""
    return text.isascii() and text.isprintable() and " " not in text


def _decode(response: Response, kind: type[T]) -> T:
    if response.status != 200:
        raise refusal(response.status)
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ProviderFailure("unexpected-response") from None
