"""Validate an OpenID provider's tokens and identify their callers. joserfc does the cryptography."""

import hashlib
import json
import warnings
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlsplit
from uuid import UUID

from joserfc import jwk, jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwt import JWTClaimsRegistry

from ...kit.actors import STAFF, Actor, Membership, Role
from ...kit.ids import MAX_CLINIC_ID, clinic_of

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Asymmetric signature algorithms only: `none` and HMAC are excluded."""
TOKEN_TYPES: Final = ("jwt", "at+jwt", "application/at+jwt")
"""The types of access tokens (RFC 9068). Other types, such as logout tokens, are not credentials."""
MAX_TOKEN_LENGTH: Final = 16 * 1024
MAX_HEADER_LENGTH: Final = 4096
MIN_RSA_BITS: Final = 2048
LEEWAY_SECONDS: Final = 60
"""The allowed difference between the provider's clock and ours."""
PARSE_ERRORS: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""The errors that malformed JSON, keys and signatures can cause."""

# Providers still use the name EdDSA, which RFC 9864 replaces with Ed25519. The settings decide which algorithms are
# allowed.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


class InvalidToken(Exception):
    """The token does not identify a caller."""


class RoleGrant(NamedTuple):
    """A role that is granted to users whose claim has this value."""

    value: str
    membership: Membership | None
    """None for a platform administrator."""


class Trust(NamedTuple):
    """The accepted provider, and the roles its claims grant."""

    issuer: str
    audience: str
    """Empty if the API does not accept the provider's tokens."""
    algorithms: Collection[str]
    roles_claim: str
    roles: Collection[RoleGrant]
    max_seconds: int = 24 * 60 * 60
    """How long a token grants its roles, even if it expires later."""


def is_safe(url: str) -> bool:
    """Return whether the connection to the address is protected: it uses https or stays on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        return parts.scheme == "http" and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def parse_role(entry: str) -> RoleGrant:
    """Parse `claim-value=role:clinic`, `claim-value=doctor:clinic:doctorId` or `claim-value=administrator`. Raise a
    `ValueError` that says what is wrong."""
    value, _, meaning = entry.rpartition("=")
    role, *ids = meaning.split(":")
    if not value:
        raise ValueError("does not have the form claim-value=role:clinic")
    if role == Role.ADMINISTRATOR:
        if ids:
            raise ValueError("names a clinic, but administrators belong to the platform")
        return RoleGrant(value, None)
    if role not in STAFF:
        raise ValueError("does not name a role; the roles are manager, receptionist, doctor and administrator")
    if not 1 <= len(ids) <= 2 or not _is_clinic_number(ids[0]):
        raise ValueError("does not name a clinic by its number, as in receptionist:1")
    clinic_id = int(ids[0])
    doctor_id = _parse_doctor_id(ids[1]) if len(ids) == 2 else None
    if doctor_id is None and role == Role.DOCTOR:
        raise ValueError("does not name the doctor, as in doctor:1:<doctor's id>")
    if doctor_id is not None and clinic_of(doctor_id) != clinic_id:
        raise ValueError("names a doctor from another clinic")
    return RoleGrant(value, Membership(clinic_id, Role(role), doctor_id))


def _is_clinic_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= MAX_CLINIC_ID


def _parse_doctor_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("names a doctor, but not by an id") from None


class _Registry(jws.JWSRegistry):
    """Accepts tokens with unknown header members but ignores those members: it does not follow `jku`, `x5u`, `jwk` and
    the like."""

    max_header_length = MAX_HEADER_LENGTH


def parse_token(token: str) -> jws.CompactSignature:
    """Parse a token without verifying it. Raise `InvalidToken` for anything but an access token with a key id."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken
    try:
        parsed = jws.extract_compact(token.encode(), registry=_Registry())
        header = parsed.headers()
        typ, critical, kid = header.get("typ", "JWT"), "crit" in header, header.get("kid")
        # without a key id, we would have to guess which key to use
        if critical or typ.lower() not in TOKEN_TYPES or not isinstance(kid, str):
            raise InvalidToken
    except PARSE_ERRORS as error:
        raise InvalidToken from error
    return parsed


def key_id(token: jws.CompactSignature) -> str:
    return token.headers()["kid"]


def claims_of(token: jws.CompactSignature, keys: jwk.KeySet, trust: Trust, *, now: datetime) -> dict[str, Any]:
    """Verify the token's signature, issuer, audience and times. Return its claims, or raise `InvalidToken`."""
    registry = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": trust.issuer},
        aud={"essential": True, "value": trust.audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    try:
        if not jws.validate_compact(
            token, keys, registry=_Registry(algorithms=trust.algorithms, strict_check_header=False)
        ):
            raise InvalidToken
        claims = json.loads(token.payload or b"", object_pairs_hook=_members)
        registry.validate(claims)
        _check_lifetime(claims, trust, int(now.timestamp()))
    except PARSE_ERRORS as error:
        raise InvalidToken from error
    return claims


def _check_lifetime(claims: Mapping[str, Any], trust: Trust, now: int) -> None:
    """Raise `InvalidToken` if the token was issued too long ago. If it has no time of issue, it must expire soon."""
    issued_at = claims.get("iat")
    is_recent = (claims["exp"] if issued_at is None else now) <= (
        now if issued_at is None else issued_at
    ) + trust.max_seconds
    if not is_recent:
        raise InvalidToken


def _members(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Reject repeated names, because two parsers could read them differently."""
    members = list(pairs)
    by_name = dict(members)
    if len(by_name) != len(members):
        raise ValueError("repeated name")
    return by_name


def actor_of(claims: Mapping[str, Any], trust: Trust) -> Actor:
    """Return the caller identified by the claims. If none of the claims has a configured role, the caller has no
    permissions."""
    values = _values(claims, trust.roles_claim)
    memberships = dict.fromkeys(grant.membership for grant in trust.roles if grant.value in values)
    subject = hashlib.sha256(f"{trust.issuer}\n{claims['sub']}".encode(errors="surrogatepass")).hexdigest()[:32]
    return Actor(f"oidc:{subject}", administrator=None in memberships, memberships=tuple(filter(None, memberships)))


def _values(claims: Mapping[str, Any], name: str) -> Collection[str]:
    """Return the values of a claim, found by its name or else by its dotted path. The claim is a string or a list of
    strings."""
    claim: Any = claims
    for part in [name] if name in claims else name.split("."):
        claim = cast("dict[str, Any]", claim).get(part) if isinstance(claim, dict) else None
    values = cast("list[Any]", claim) if isinstance(claim, list) else [claim]
    return {value for value in values if isinstance(value, str)}


def parse_keys(document: bytes) -> dict[str, jwk.KeySet]:
    """Return the usable signing keys from a JWKS by id. Raise one of `PARSE_ERRORS` if the document is not a JWKS."""
    by_id: dict[str, list[jwk.Key]] = {}
    for content in json.loads(document)["keys"]:
        if (key := _parse_key(content)) and key.kid:
            by_id.setdefault(key.kid, []).append(key)
    return {kid: jwk.KeySet(keys) for kid, keys in by_id.items()}


def _parse_key(content: Any) -> jwk.Key | None:
    """Return the key; None if it is not a public signing key or is too small. The other keys in the set stay usable."""
    if not isinstance(content, dict):
        return None
    try:
        key = jwk.import_key(cast("dict[str, Any]", content))
        key.check_use("sig")
    except PARSE_ERRORS:
        return None
    if (
        isinstance(key, jwk.OctKey)
        or key.is_private
        or (isinstance(key, jwk.RSAKey) and key.raw_value.key_size < MIN_RSA_BITS)
    ):
        return None
    return key
