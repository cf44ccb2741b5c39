"""Rooms at a provider, the people who enter them, and the connection that a clinic has set up."""

import hmac
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

Gateway = Literal["demo", "jitsi", "jaas", "daily", "bigbluebutton", "link"]
GatewayChoice = Gateway | Literal["off"]
"""What a clinic chooses: where its video visits take place, or to have none."""
OPENS_BEFORE: Final = timedelta(minutes=15)
"""How long before the start patients and guests can enter the waiting room."""
DOCTOR_OPENS_BEFORE: Final = timedelta(minutes=30)
MAX_OPENS_BEFORE: Final = timedelta(hours=1)
"""The most that a clinic can choose. It can change its choice after rooms have been made."""
CLOSES_AFTER: Final = timedelta(minutes=30)
"""How long after the end a call stays open, in case the doctor runs late."""
ROOM_SECRET_BYTES: Final = 16


class Connection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a provider needs to be reached. It is stored encrypted."""

    url: str
    """The provider's server, or a fixed link for everyone without a link of their own."""
    app_id: str = ""
    secret: str = ""
    """A shared secret, an API key, or (at 8x8) a private key in PEM format."""
    key_id: str = ""
    """Identifies the private key at 8x8."""
    webhook_secret: str = ""
    """What signs the provider's events (Daily calls it `hmac`)."""
    doctor_links: dict[UUID, str] = {}
    """Doctors' own fixed links."""
    former: "FormerConnection | None" = None
    """The previous connection, kept until no rooms or recordings remain at that provider."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def account(self) -> tuple[str, str]:
        """What identifies the account at the provider. Its secret can change."""
        return self.url.rstrip("/").casefold(), self.app_id


class FormerConnection(msgspec.Struct, frozen=True, kw_only=True):
    """A connection to the provider that a clinic used before."""

    gateway: Gateway
    connection: Connection


class Room(NamedTuple):
    """A call's room."""

    name: str
    """A secret. Only people who have been let in learn it."""
    call_id: UUID
    doctor_id: UUID
    starts_at: datetime
    ends_at: datetime

    @property
    def opens_at(self) -> datetime:
        return self.starts_at - MAX_OPENS_BEFORE

    @property
    def closes_at(self) -> datetime:
        return self.ends_at + CLOSES_AFTER


class Person(NamedTuple):
    """Someone who enters a room."""

    id: str
    """Identifies the person to the provider, in this call only."""
    name: str
    is_host: bool
    """Whether they moderate the call. Only the doctor does."""
    can_record: bool = False
    """Whether they can start a recording. Only the doctor can, and only with the patient's consent."""


def room_name(secret: str, call_id: UUID) -> str:
    """Return the name of a call's room. It is derived from the server's secret, so it is not stored, and the call's id
    does not reveal it."""
    digest = hmac.digest(secret.encode(), b"call room\n" + call_id.bytes, "sha256")
    return f"{call_id.hex}{digest[:ROOM_SECRET_BYTES].hex()}"


def read_room_name(secret: str, name: str) -> UUID | None:
    """Return the call whose room has this name, or None if it is not one of our rooms."""
    try:
        call_id = UUID(hex=name[:32])
    except ValueError:
        return None
    return call_id if hmac.compare_digest(room_name(secret, call_id).encode(), name.encode()) else None


def person_id(secret: str, call_id: UUID, party: str) -> str:
    """Return an identifier for a person in one call. It differs in every call, so that a provider cannot tell who has
    come back."""
    return hmac.digest(secret.encode(), b"call person\n" + call_id.bytes + party.encode(), "sha256")[:16].hex()
