"""8x8's Jitsi as a service. It differs from a clinic's own Jitsi server in how tokens are signed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from .failures import ProviderFailure
from .jitsi import JitsiGateway, validity
from .model import Person, Room

PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", re.DOTALL)
URL: Final = "https://8x8.vc"
FEATURES: Final = (
    "recording",
    "livestreaming",
    "transcription",
    "sip-inbound-call",
    "sip-outbound-call",
    "inbound-call",
    "outbound-call",
    "file-upload",
)
"""Everything that a token can allow beyond the call itself. Our tokens allow none of it."""


class JaasGateway(JitsiGateway):
    """Tokens are signed with a private key whose public key the clinic has uploaded, under the ID that 8x8 gave it."""

    async def make(self, room: Room) -> None:  # noqa: ARG002  the port's signature
        if not (self.connection.app_id and self.connection.key_id and self.connection.secret):
            raise ProviderFailure("incomplete-settings")
        signing_key(self.connection.secret)

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:
        base = (self.connection.url or URL).rstrip("/")
        token = self.token(room, person, now=now)
        return f"{base}/{quote(self.connection.app_id)}/{quote(room.name)}?jwt={token}"

    def token(self, room: Room, person: Person, *, now: datetime) -> str:
        from joserfc import jwt  # noqa: PLC0415  slow to import

        user = {
            "id": person.id,
            "name": person.name,
            "avatar": "",
            "email": "",
            "moderator": "true" if person.is_host else "false",
        }
        claims: Mapping[str, Any] = {
            "aud": "jitsi",
            "iss": "chat",
            "sub": self.connection.app_id,
            "room": room.name,
            **validity(room, now=now),
            "context": {"user": user, "features": dict.fromkeys(FEATURES, "false")},
        }
        header = {"alg": "RS256", "kid": self.connection.key_id, "typ": "JWT"}
        return jwt.encode(header, dict(claims), signing_key(self.connection.secret))


def signing_key(pem: str) -> Any:
    """Return the private key that signs tokens. Raise `ProviderFailure` if it is not one."""
    from joserfc import errors, jwk  # noqa: PLC0415  slow to import

    try:
        key = jwk.RSAKey.import_key(restore_lines(pem))
    except (ValueError, errors.JoseError):
        raise ProviderFailure("invalid-key") from None
    if not key.is_private:
        raise ProviderFailure("public-key")
    return key


def restore_lines(pem: str) -> str:
    """Return a key in PEM format with its line breaks, which are lost when it is pasted into a field."""
    match = PEM.search(pem)
    if match is None:
        return pem
    label, body = match[1], "".join(match[2].split())
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
