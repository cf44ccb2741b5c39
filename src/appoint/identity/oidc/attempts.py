"""Sign-in attempts through the OpenID provider on the pages: what the browser remembers while the user is at the
provider, and what the provider's ID token must contain."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from ...kit.signed_tokens import sign, verify

Purpose = Literal["sign-in", "link", "prove"]
"""Sign in, link the provider's account to the signed-in user, or prove that the signed-in user is still there."""
Outcome = Literal["cancelled", "expired", "failed", "unlinked", "taken", "unavailable"]
"""Why an attempt failed: the user cancelled it; it is too old, has been used, or belongs to a different browser; the
provider's response is not acceptable; no account is linked; a different account is linked; or the provider is
unreachable."""
MAX_NEXT_LENGTH: Final = 1000
"""Limited because browsers drop cookies that are longer than 4096 characters."""
ATTEMPT_TTL: Final = timedelta(minutes=10)
LEEWAY: Final = timedelta(minutes=1)
"""The allowed difference between the provider's clock and ours."""
SCOPE: Final = "openid email"
Signed = TypeVar("Signed", "Attempt", "PendingCode")


class AttemptFailed(Exception):
    """The attempt did not sign anyone in."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome: Final[Outcome] = outcome


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt, which only the browser that started it can finish. Signed, and stored in a cookie."""

    purpose: Purpose
    state: str
    """Links the provider's response to this attempt."""
    nonce: str
    """Links the ID token to this attempt."""
    verifier: str
    """Proves to the provider that the server that redeems the code also requested it (PKCE)."""
    next: str
    """The page to show afterwards."""
    user_id: UUID | None
    """The signed-in user, unless the purpose is to sign in."""
    started_at: datetime


class PendingCode(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that lacks only the user's second factor. Signed, and stored in a cookie."""

    user_id: UUID
    totp: bool
    """Whether the user has an authenticator. If not, they have passkeys."""
    credentials: int
    """The user's `credentials` when the provider identified them. A new password invalidates the sign-in."""
    authenticated_at: datetime | None
    next: str
    started_at: datetime


class Identity(NamedTuple):
    """The person that an ID token identifies."""

    subject_hash: bytes
    """A digest of the provider and its id for the person."""
    verified_email: str | None
    authenticated_at: datetime | None
    """When they last entered a credential at the provider, if it says when."""


def new_attempt(purpose: Purpose, *, next: str, user_id: UUID | None, now: datetime) -> Attempt:
    return Attempt(
        purpose=purpose,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        next=next if len(next) <= MAX_NEXT_LENGTH else "/staff",
        user_id=user_id,
        started_at=now,
    )


def signed(secret: str, content: Attempt | PendingCode) -> str:
    return sign(secret, _salt(type(content)), msgspec.to_builtins(content))


def read_signed(secret: str, token: str, kind: type[Signed], *, now: datetime) -> Signed:
    """Return the signed value. Raise an `expired` `AttemptFailed` if it is missing, forged or too old."""
    content = verify(secret, _salt(kind), token)
    if content is None:
        raise AttemptFailed("expired")
    value = msgspec.convert(content, kind)
    if now >= value.started_at + ATTEMPT_TTL:
        raise AttemptFailed("expired")
    return value


def _salt(kind: type[Attempt] | type[PendingCode]) -> str:
    return f"openid {kind.__name__}"


def check_state(attempt: Attempt, state: str) -> None:
    """Raise an `expired` `AttemptFailed` if the provider's response belongs to a different attempt."""
    if not hmac.compare_digest(attempt.state.encode(), state.encode()):
        raise AttemptFailed("expired")


def check_user(attempt: Attempt, user_id: UUID | None) -> None:
    """Raise an `expired` `AttemptFailed` unless this signed-in user started the attempt."""
    if attempt.purpose == "sign-in" or attempt.user_id is None or attempt.user_id != user_id:
        raise AttemptFailed("expired")


def state_hash(attempt: Attempt) -> bytes:
    return hashlib.sha256(attempt.state.encode()).digest()


def authorization_url(endpoint: str, attempt: Attempt, *, client_id: str, redirect_uri: str) -> str:
    """Return the URL of the provider's page for the attempt. Except for a plain sign-in, the provider must ask for a
    credential even if the person is signed in there."""
    challenge = urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({} if attempt.purpose == "sign-in" else {"prompt": "login", "max_age": "0"}),
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def identity_of(claims: Mapping[str, Any], attempt: Attempt, *, issuer: str, client_id: str) -> Identity:
    """Return the person that the ID token identifies. Its signature, issuer, audience and times have already been
    verified.

    Raise a `failed` `AttemptFailed` if the token was issued for a different attempt or client, or if the attempt needs
    a new credential and the provider does not confirm that it asked for one.
    """
    nonce, audience = claims.get("nonce"), claims["aud"]
    authorized_party = claims.get("azp", client_id if isinstance(audience, str) or len(audience) == 1 else None)
    if (
        not isinstance(nonce, str)
        or not hmac.compare_digest(nonce.encode(errors="surrogatepass"), attempt.nonce.encode())
        or authorized_party != client_id
    ):
        raise AttemptFailed("failed")
    authenticated_at = _instant(claims.get("auth_time"))
    if attempt.purpose == "prove" and (
        authenticated_at is None or authenticated_at < attempt.started_at.replace(microsecond=0) - LEEWAY
    ):
        raise AttemptFailed("failed")
    email = claims.get("email")
    return Identity(
        hashlib.sha256(f"{issuer}\n{claims['sub']}".encode(errors="surrogatepass")).digest(),
        email if claims.get("email_verified") is True and isinstance(email, str) else None,
        authenticated_at,
    )


def _instant(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
