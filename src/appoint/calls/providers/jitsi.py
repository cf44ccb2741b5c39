"""Jitsi Meet on a server that admits only people with a token."""

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from .failures import ProviderFailure
from .model import Connection, Person, Room

CLOCK_SKEW: Final = timedelta(minutes=1)
"""How much the provider's clock may be behind ours."""


class JitsiGateway:
    """The first person who enters with a valid token brings the room into being, so there is nothing to make or to end.
    A token is valid for one room, and only until the call closes."""

    def __init__(self, connection: Connection) -> None:
        self.connection: Final = connection

    def address_for(self, doctor_id: UUID) -> str:  # noqa: ARG002  the port's signature
        return self.connection.url

    async def make(self, room: Room) -> None:  # noqa: ARG002  the port's signature
        if not (self.connection.app_id and self.connection.secret):
            raise ProviderFailure("incomplete-settings")

    async def end(self, room: Room) -> None:
        pass

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:
        token = self.token(room, person, now=now)
        return f"{self.connection.url.rstrip('/')}/{quote(room.name)}?jwt={token}"

    def token(self, room: Room, person: Person, *, now: datetime) -> str:
        """Return the token that admits one person to one room."""
        from joserfc import jwk, jwt  # noqa: PLC0415  slow to import

        moderator = "true" if person.is_host else "false"
        claims: dict[str, Any] = {
            "iss": self.connection.app_id,
            "aud": self.connection.app_id,
            "sub": self.connection.host,
            "room": room.name,
            **validity(room, now=now),
            "context": {
                "user": {
                    "id": person.id,
                    "name": person.name,
                    "moderator": moderator,  # some versions of Jitsi only understand text
                    "affiliation": "owner" if person.is_host else "member",
                },
                "features": {"recording": "false", "livestreaming": "false", "transcription": "false"},
            },
        }
        key = jwk.OctKey.import_key(self.connection.secret.encode())
        return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, key)


def validity(room: Room, *, now: datetime) -> dict[str, int]:
    """Return the claims that limit when a token admits its holder."""
    return {"nbf": int((now - CLOCK_SKEW).timestamp()), "exp": int(room.closes_at.timestamp())}
