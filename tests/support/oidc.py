"""Settings, tokens and callers for an external OpenID provider."""

import base64
import json
from datetime import UTC, datetime, timedelta

from joserfc import jwk

from appoint.identity.oidc import model, service
from appoint.kit import ids
from support.app import settings
from support.provider import AUDIENCE, OpenIdProvider

NOW = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
SHAH = ids.compose_id(1, 1, 1)
ROLES = [
    "front-desk=receptionist:1",
    f"shah=doctor:1:{SHAH}",
    "lead=manager:1",
    "lead=manager:2",
    "root=administrator",
    "a=b=manager:3",
]


def oidc_settings(provider: OpenIdProvider, **more):
    usual = {"oidc_issuer": provider.issuer, "oidc_audience": AUDIENCE, "oidc_roles": ROLES} | more
    return settings(**usual)


async def identify(provider, token, *, after=timedelta()):
    return await service.identify(provider, token, now=NOW + after)


def encoded(value) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


KEY = jwk.generate_key("RSA", 2048, parameters={"kid": "k"})
TRUST = model.Trust("https://login.example.org", AUDIENCE, ["RS256"], "roles", [])
