"""Let the OpenID provider identify someone who signs in on the pages: the authorization code flow with PKCE."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import UUID

from ...database.pool import Statements
from ...kit import errors
from ...settings import Settings
from . import repository
from .attempts import (
    Attempt,
    AttemptFailed,
    Identity,
    Purpose,
    authorization_url,
    check_state,
    identity_of,
    new_attempt,
    state_hash,
)

if TYPE_CHECKING:  # the libraries for tokens are slow to import, and few servers have a provider
    from .gateway import Client, Provider

CALLBACK: Final = "/staff/sign-in/openid/callback"
"""Where the provider sends the browser afterwards."""


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """The provider that staff can sign in with on the pages, if there is one."""

    provider: "Provider | None" = None
    client: "Client | None" = None
    name: str = ""
    """The provider's name on the pages; empty if there is none."""
    links_by_email: bool = False
    has_second_factor: bool = False

    @property
    def issuer(self) -> str:
        return self.provider.trust.issuer if self.provider else ""


def page_sign_in(settings: Settings, provider: "Provider") -> ProviderSignIn:
    """Return the provider in the form that the pages use, if the settings say that they do."""
    from .gateway import Client  # noqa: PLC0415

    if not settings.oidc_client_id:
        return ProviderSignIn()
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else ""
    return ProviderSignIn(
        provider,
        Client(settings.oidc_client_id, secret, settings.links_url.rstrip("/") + CALLBACK),
        settings.oidc_name or urlsplit(provider.trust.issuer).hostname or provider.trust.issuer,
        settings.oidc_link_by_email,
        settings.oidc_second_factor,
    )


def _configured(sign_in: ProviderSignIn) -> "tuple[Provider, Client]":
    if sign_in.provider is None or sign_in.client is None:
        raise errors.NotFound
    return sign_in.provider, sign_in.client


async def begin(
    sign_in: ProviderSignIn, purpose: Purpose, *, next: str, user_id: UUID | None = None, now: datetime
) -> tuple[str, Attempt]:
    """Start an attempt. Return the URL of the provider's page, and what the browser must remember in the meantime.

    Raise `NotFound` if no provider is configured, or an `unavailable` `AttemptFailed` if it is unreachable.
    """
    provider, client = _configured(sign_in)
    try:
        configuration = await provider.configuration(now=now)
    except errors.Unavailable:
        raise AttemptFailed("unavailable") from None
    attempt = new_attempt(purpose, next=next, user_id=user_id, now=now)
    endpoint = configuration.authorization_endpoint
    return authorization_url(endpoint, attempt, client_id=client.id, redirect_uri=client.redirect_uri), attempt


async def finish(
    db: Statements, sign_in: ProviderSignIn, attempt: Attempt, *, response: dict[str, str], now: datetime
) -> Identity:
    """Return the person whom the provider identified in its response to an attempt. An attempt can be finished only
    once.

    Raise `AttemptFailed`.
    """
    from .gateway import CodeRefused  # noqa: PLC0415

    provider, client = _configured(sign_in)
    check_state(attempt, response.get("state", ""))
    if not await repository.use_state(db, state_hash(attempt), now=now):
        raise AttemptFailed("expired")
    try:
        configuration = await provider.configuration(now=now)
        issuer = response.get("iss", None if configuration.names_issuer else provider.trust.issuer)
        if issuer != provider.trust.issuer:  # the response comes from someone else (RFC 9207)
            raise AttemptFailed("failed")
        if response.get("error"):
            raise AttemptFailed("cancelled" if response["error"] == "access_denied" else "failed")
        token = await provider.exchange(response.get("code", ""), verifier=attempt.verifier, client=client, now=now)
        return await _verify(provider, token, attempt, client_id=client.id, now=now)
    except errors.Unavailable:
        raise AttemptFailed("unavailable") from None
    except CodeRefused:
        raise AttemptFailed("failed") from None


async def _verify(provider: "Provider", token: str, attempt: Attempt, *, client_id: str, now: datetime) -> Identity:
    from .model import InvalidToken, claims_of, key_id, parse_token  # noqa: PLC0415

    try:
        parsed = parse_token(token)
        keys = await provider.keys(key_id(parsed), now=now)
        trust = provider.trust._replace(audience=client_id)
        claims = claims_of(parsed, keys, trust, now=now) if keys else None
    except InvalidToken:
        claims = None
    if not claims:
        raise AttemptFailed("failed")
    return identity_of(claims, attempt, issuer=provider.trust.issuer, client_id=client_id)
