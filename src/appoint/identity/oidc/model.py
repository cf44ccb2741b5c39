"""Tokens of an OpenID provider: which are good, and whom they stand for. joserfc does the cryptography."""

import hashlib
import json
import warnings
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final, NamedTuple
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
"""Those by which a provider signs what everyone can check and nobody else can sign. `none` and those with a shared
secret are not among them."""
TYPES: Final = ("jwt", "at+jwt", "application/at+jwt")
"""What tokens for us call themselves (RFC 9068); others, such as those that say that somebody has signed out, are no
credentials."""
TOKEN_CHARACTERS: Final = 16 * 1024
HEADER_CHARACTERS: Final = 4096
RSA_BITS: Final = 2048
LEEWAY_SECONDS: Final = 60
"""How far the provider's clock may be from ours."""
BROKEN: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading somebody else's JSON, keys and signatures can end with."""

# Providers call it EdDSA, which RFC 9864 would rather have called Ed25519. Which algorithms are allowed is said in the
# settings.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


class Refused(Exception):
    """The token is nobody's."""


class Given(NamedTuple):
    """What somebody is here whose claim has the value."""

    value: str
    membership: Membership | None
    """None: the platform's administrator."""


class Trust(NamedTuple):
    """Whose tokens are good, and what they stand for."""

    issuer: str
    audience: str
    algorithms: Collection[str]
    roles_claim: str
    roles: Collection[Given]


def is_safe(url: str) -> bool:
    """Whether nobody in between can change what the address answers: https, or this machine itself."""
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


def given(entry: str) -> Given:
    """Read `claim-value=role:clinic`, `claim-value=doctor:clinic:doctorId` or `claim-value=administrator`. Raises
    `ValueError` that says what is wrong."""
    value, _, meaning = entry.rpartition("=")
    name, *place = meaning.split(":")
    if not value:
        raise ValueError("is not of the form claim-value=role:clinic")
    if name == Role.ADMINISTRATOR:
        if place:
            raise ValueError("names a clinic for the administrator, who is the platform's")
        return Given(value, None)
    if name not in STAFF:
        raise ValueError("names no role: there are manager, receptionist, doctor and administrator")
    if (
        not 1 <= len(place) <= 2
        or not (place[0].isascii() and place[0].isdigit())
        or not 1 <= int(place[0][:20]) <= MAX_CLINIC_ID
    ):
        raise ValueError("names no clinic by its number, as in receptionist:1")
    clinic_id = int(place[0])
    doctor_id = _uuid(place[1]) if len(place) == 2 else None
    if doctor_id is None and name == Role.DOCTOR:
        raise ValueError("does not say which doctor it is, as in doctor:1:<doctor's id>")
    if doctor_id is not None and clinic_of(doctor_id) != clinic_id:
        raise ValueError("names a doctor who is not of that clinic")
    return Given(value, Membership(clinic_id, Role(name), doctor_id))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("names a doctor by what is no id") from None


class _Registry(jws.JWSRegistry):
    """Header members that are not known are no reason to refuse a token, and none of them is followed: `jku`, `x5u`,
    `jwk` and the like."""

    max_header_length = HEADER_CHARACTERS


def opened(token: str) -> jws.CompactSignature:
    """The token, taken apart and not yet believed. Raises `Refused` for what is none of ours."""
    if len(token) > TOKEN_CHARACTERS:
        raise Refused
    try:
        found = jws.extract_compact(token.encode(), registry=_Registry())
        header = found.headers()
        typ, critical, kid = header.get("typ", "JWT"), "crit" in header, header.get("kid")
        if (
            critical or typ.lower() not in TYPES or not isinstance(kid, str)
        ):  # without one it would be guesswork which key is meant
            raise Refused
    except BROKEN as error:
        raise Refused from error
    return found


def key_id(token: jws.CompactSignature) -> str:
    return token.headers()["kid"]


def claims_of(token: jws.CompactSignature, keys: jwk.KeySet, trust: Trust, *, now: datetime) -> dict[str, Any]:
    """What a token says that the provider has signed for us and that is good now. Raises `Refused`."""
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
            raise Refused
        claims = json.loads(token.payload or b"", object_pairs_hook=_members)
        registry.validate(claims)
    except BROKEN as error:
        raise Refused from error
    return claims


def _members(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses what two readers could read differently."""
    listed = list(pairs)
    found = dict(listed)
    if len(found) != len(listed):
        raise ValueError("the same name twice")
    return found


def caller(claims: Mapping[str, Any], trust: Trust) -> Actor:
    """Whom the claims stand for. Without a role that is given here, they have signed in and may nothing."""
    values = _values(claims, trust.roles_claim)
    held = dict.fromkeys(role.membership for role in trust.roles if role.value in values)
    who = hashlib.sha256(f"{trust.issuer}\n{claims['sub']}".encode(errors="surrogatepass")).hexdigest()[:32]
    return Actor(
        f"oidc:{who}", administrator=None in held, memberships=tuple(membership for membership in held if membership)
    )


def _values(claims: Mapping[str, Any], name: str) -> Collection[str]:
    """The values of the claim of that name, or else of the one at the end of the dotted path: a text, or a list of
    texts."""
    found: Any = claims
    for part in [name] if name in claims else name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    values = found if isinstance(found, list) else [found]
    return {value for value in values if isinstance(value, str)}


def keys_of(document: bytes) -> dict[str, jwk.KeySet]:
    """A JWKS's keys by their ids: those that somebody can sign with whose signature we can check. Raises one of
    `BROKEN` for what is no JWKS."""
    found: dict[str, list[jwk.Key]] = {}
    for described in json.loads(document)["keys"]:
        if (key := _usable(described)) and key.kid:
            found.setdefault(key.kid, []).append(key)
    return {kid: jwk.KeySet(keys) for kid, keys in found.items()}


def _usable(described: Any) -> jwk.Key | None:
    """None for what is not a public key for signatures, or is too small to be one; the others are of use all the same."""
    if not isinstance(described, dict):
        return None
    try:
        key = jwk.import_key(described)
        key.check_use("sig")
    except BROKEN:
        return None
    if (
        isinstance(key, jwk.OctKey)
        or key.is_private
        or (isinstance(key, jwk.RSAKey) and key.raw_value.key_size < RSA_BITS)
    ):
        return None
    return key
