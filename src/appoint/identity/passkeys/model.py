"""Passkeys, and what browsers need to create and use them."""

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import idna
import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.errors import Unauthorized
from ...kit.hosts import is_loopback
from ...kit.structs import RequestBody, Resource

MAX_PASSKEYS: Final = 20
"""The limit per user."""
CHALLENGE_TTL: Final = timedelta(minutes=5)
ALGORITHMS: Final = (-8, -7, -257)
"""The signature algorithms that Appoint accepts, best first: EdDSA, ES256, RS256."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
PasskeyName = Annotated[fields.Name, Meta(examples=["Mia’s phone"])]
Base64Url = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+" + fields.END_OF_TEXT, max_length=8000, examples=["dGVzdA"])]
"""Bytes in Base64url without padding, as in WebAuthn's JSON."""
ChallengeToken = Annotated[
    str, Meta(max_length=500, examples=["WyJZMmhoYkd4bGJtZGwiLDE4MDM4OTM0MDBd.3mYx1vDqkqSN0yQ1nB8"])
]
RecoveryCodeText = Annotated[str, Meta(examples=["k7rm-2xqd-9wnb-4tpf"])]


class RelyingParty(NamedTuple):
    """This server, as authenticators know it."""

    id: str
    """The domain that passkeys belong to."""
    origin: str
    """The only origin whose pages can use them."""
    secret: str
    """The key that signs challenges."""


class Passkey(Resource):
    """One of a user's passkeys."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5e",
        "version": 1,
        "createdAt": "2027-02-01T10:15:00Z",
        "updatedAt": "2027-02-01T10:15:00Z",
        "name": "Mia’s phone",
        "synced": True,
        "lastUsedAt": "2027-02-28T07:31:00Z",
    }

    id: UUID
    name: PasskeyName
    synced: bool
    """Whether the passkey is backed up, so that it works on all the user's devices."""
    last_used_at: datetime | None
    recovery_codes: list[RecoveryCodeText] | UnsetType = UNSET
    """Present only in the response that sets up the account's first second factor."""


class PasskeyPatch(RequestBody):
    name: PasskeyName | UnsetType = UNSET


class StoredPasskey(msgspec.Struct, frozen=True):
    """A passkey with its public key, as stored."""

    id: UUID
    user_id: UUID
    credential_id: bytes
    public_key: bytes
    sign_count: int


class CreatedCredential(RequestBody):
    """What `navigator.credentials.create` returned."""

    id: Base64Url
    client_data: Base64Url = msgspec.field(name="clientDataJSON")
    attestation_object: Base64Url


class NewPasskey(RequestBody):
    """A passkey that the browser has created."""

    name: PasskeyName
    challenge_token: ChallengeToken
    """From the response that contained the options."""
    credential: CreatedCredential


class SignedChallenge(RequestBody):
    """What `navigator.credentials.get` returned."""

    id: Base64Url
    client_data: Base64Url = msgspec.field(name="clientDataJSON")
    authenticator_data: Base64Url
    signature: Base64Url
    user_handle: Base64Url


class PasskeyProof(RequestBody):
    """A challenge that the user has signed with a passkey."""

    challenge_token: ChallengeToken
    """From the response that contained the options."""
    credential: SignedChallenge


class CredentialDescriptor(msgspec.Struct):
    id: Base64Url
    type: Literal["public-key"] = "public-key"


class CredentialParameters(msgspec.Struct):
    alg: int
    type: Literal["public-key"] = "public-key"


class RelyingPartyEntity(msgspec.Struct):
    id: str
    name: str


class UserEntity(msgspec.Struct, rename="camel"):
    id: Base64Url
    name: str
    display_name: str


class AuthenticatorSelection(msgspec.Struct, rename="camel"):
    resident_key: Literal["required"] = "required"
    require_resident_key: bool = True
    user_verification: Literal["required"] = "required"


class CreationOptions(msgspec.Struct, rename="camel", kw_only=True):
    """WebAuthn's `PublicKeyCredentialCreationOptionsJSON`."""

    rp: RelyingPartyEntity
    user: UserEntity
    challenge: Base64Url
    pub_key_cred_params: list[CredentialParameters]
    timeout: int
    """In milliseconds."""
    exclude_credentials: list[CredentialDescriptor]
    authenticator_selection: AuthenticatorSelection = msgspec.field(default_factory=AuthenticatorSelection)
    attestation: Literal["none"] = "none"


class RequestOptions(msgspec.Struct, rename="camel", kw_only=True):
    """WebAuthn's `PublicKeyCredentialRequestOptionsJSON`."""

    challenge: Base64Url
    timeout: int
    """In milliseconds."""
    rp_id: str
    allow_credentials: list[CredentialDescriptor]
    """Empty for signing in, because the passkey itself names its user."""
    user_verification: Literal["required"] = "required"


class PasskeyCreation(msgspec.Struct, rename="camel"):
    """The options for `navigator.credentials.create`."""

    public_key: CreationOptions
    challenge_token: ChallengeToken
    """Send it back with the new passkey within five minutes. It works once."""


class PasskeyRequest(msgspec.Struct, rename="camel"):
    """The options for `navigator.credentials.get`."""

    public_key: RequestOptions
    challenge_token: ChallengeToken
    """Send it back with the signed challenge within five minutes. It works once."""


class PasskeyRefused(Unauthorized):
    """A passkey cannot be used. Callers do not learn why, but the audit log does."""

    def __init__(self, outcome: str, user_id: UUID | None = None) -> None:
        super().__init__("passkey-refused")
        self.outcome: Final = outcome
        self.user_id: Final = user_id


def relying_party(url: str, secret: str) -> RelyingParty:
    """Return the relying party for the server's base address. Browsers refuse passkeys on IP addresses, so loopback
    addresses are replaced with `localhost`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = "localhost" if is_loopback(host) else host if host.isascii() else idna.encode(host, uts46=True).decode()
    port = f":{parts.port}" if parts.port and parts.port != DEFAULT_PORTS.get(parts.scheme) else ""
    return RelyingParty(host, f"{parts.scheme}://{host}{port}", secret)
