"""BigBlueButton, on a clinic's own server or a hosted one.

It drops meetings that stay empty for a few minutes, so a meeting is created when the doctor enters, and again by each
later click in case it has been dropped. Creating it twice changes nothing. Patients and guests stay in its lobby until
the doctor lets them in.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from .failures import ProviderFailure
from .model import Connection, Person, Room
from .transport import MAX_LIST_BYTES, MAX_RESPONSE_BYTES, Request, Transport, refusal

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

TITLE: Final = "Video visit"
"""Shown above the call. It must not reveal who is meeting whom, because the server stores it."""
PASSWORD_BYTES: Final = 16


class BigBlueButtonGateway:
    def __init__(self, connection: Connection, transport: Transport) -> None:
        self.connection: Final = connection
        self.transport: Final = transport
        base = connection.url.rstrip("/")
        self.api: Final = base if base.endswith("/api") else f"{base}/api"

    def address_for(self, doctor_id: UUID) -> str:  # noqa: ARG002  the port's signature
        return self.connection.url

    async def make(self, room: Room) -> None:
        """Only check that the server responds and accepts the secret."""
        if not (self.connection.url and self.connection.secret):
            raise ProviderFailure("incomplete-settings")
        await self._call("isMeetingRunning", {"meetingID": room.name})

    async def end(self, room: Room) -> None:
        await self.remove(room.name)

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:
        created = await self._call("create", self._meeting(room, now))
        parameters = {
            "fullName": person.name,
            "meetingID": room.name,
            "role": "MODERATOR" if person.is_host else "VIEWER",
            "userID": person.id,
            "createTime": created.findtext("createTime", ""),  # makes the link valid for this meeting only
        }
        return self._url("join", parameters if person.is_host else parameters | {"guest": "true"})

    async def list_rooms(self) -> AsyncIterator[str]:
        """Yield the names of all meetings on the server."""
        for meeting in (await self._call("getMeetings", {}, max_bytes=MAX_LIST_BYTES)).iter("meetingID"):
            yield meeting.text or ""

    async def remove(self, name: str) -> None:
        await self._call("end", {"meetingID": name, "password": self._password(name, "moderator")})

    def _meeting(self, room: Room, now: datetime) -> dict[str, str]:
        minutes = max(-((now - room.closes_at) // timedelta(minutes=1)), 1)
        return {
            "name": TITLE,
            "meetingID": room.name,
            # versions before 3.0 compare them when a meeting is created again
            "attendeePW": self._password(room.name, "attendee"),
            "moderatorPW": self._password(room.name, "moderator"),
            "guestPolicy": "ASK_MODERATOR",
            "duration": str(minutes),
            "record": "false",
            "allowStartStopRecording": "false",
        }

    def _password(self, name: str, role: str) -> str:
        message = f"{role} password\n{name}".encode()
        return hmac.digest(self.connection.secret.encode(), message, "sha256")[:PASSWORD_BYTES].hex()

    def _url(self, call: str, parameters: Mapping[str, str]) -> str:
        query = urlencode(parameters)
        signed = f"{query}&" if query else ""
        return f"{self.api}/{call}?{signed}checksum={checksum(call, query, self.connection.secret)}"

    async def _call(
        self, call: str, parameters: Mapping[str, str], *, max_bytes: int = MAX_RESPONSE_BYTES
    ) -> "Element[str]":
        """Return the parsed response. Treat a meeting that does not exist as ended."""
        response = await self.transport(Request("GET", self._url(call, parameters), max_bytes=max_bytes))
        if response.status != 200:
            raise refusal(response.status)
        document = parse(response.body)
        reason = document.findtext("messageKey", "")
        if document.findtext("returncode") == "SUCCESS" or (call == "end" and reason == "notFound"):
            return document
        if reason == "checksumError":
            raise refusal(401)
        raise ProviderFailure("refused", call)


def checksum(call: str, query: str, secret: str) -> str:
    """Return the checksum that a call needs."""
    return hashlib.sha256(f"{call}{query}{secret}".encode()).hexdigest()


def parse(body: bytes) -> "Element[str]":
    """Parse an XML response. Raise `ProviderFailure` if it is not well-formed or defines entities, which could expand
    to gigabytes or read files."""
    from xml.etree.ElementTree import ParseError  # noqa: PLC0415  only clinics with BigBlueButton need a parser

    from defusedxml import DefusedXmlException  # noqa: PLC0415
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    try:
        return fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise ProviderFailure("unexpected-response") from None
