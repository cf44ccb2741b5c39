"""Identify callers by the OpenID provider's tokens."""

from datetime import datetime

from ...kit.actors import Actor
from ...kit.errors import StartupError
from ...settings import Settings
from .gateway import Provider
from .model import (
    ALGORITHMS,
    InvalidToken,
    RoleGrant,
    Trust,
    actor_of,
    claims_of,
    is_safe,
    key_id,
    parse_role,
    parse_token,
)


def read_trust(settings: Settings) -> Trust | None:
    """Return the provider named in the settings, if any. Raise `StartupError` for invalid settings."""
    issuer = settings.oidc_issuer
    if not issuer:
        return None
    if not is_safe(issuer) or "?" in issuer or "#" in issuer or "@" in issuer:
        raise StartupError(
            "APPOINT_OIDC_ISSUER must look like https://login.example.org/realms/clinics; "
            "plain http is allowed only on this machine."
        )
    is_api_open = bool(settings.oidc_audience or settings.oidc_roles or not settings.oidc_client_id)
    if is_api_open and not settings.oidc_audience:
        raise StartupError("Set APPOINT_OIDC_AUDIENCE to the audience (aud) of the provider's tokens for Appoint.")
    if wrong := [name for name in settings.oidc_algorithms if name not in ALGORITHMS]:
        raise StartupError(
            f"APPOINT_OIDC_ALGORITHMS names {wrong[0]}. Choose from {', '.join(ALGORITHMS)}; "
            "algorithms without a key or with a shared key are not safe."
        )
    if not settings.oidc_algorithms:
        raise StartupError(
            f"APPOINT_OIDC_ALGORITHMS must name at least one algorithm. Choose from {', '.join(ALGORITHMS)}."
        )
    if is_api_open and not settings.oidc_roles:
        raise StartupError(
            "Set APPOINT_OIDC_ROLES to map each of the provider's roles to a role in Appoint, such as "
            "front-desk=receptionist:1."
        )
    roles: list[RoleGrant] = []
    for entry in settings.oidc_roles:
        try:
            roles.append(parse_role(entry))
        except ValueError as error:
            raise StartupError(f"APPOINT_OIDC_ROLES: “{entry}” {error}.") from None
    return Trust(
        issuer,
        settings.oidc_audience or "",
        frozenset(settings.oidc_algorithms),
        settings.oidc_roles_claim,
        roles,
        settings.oidc_token_hours * 60 * 60,
    )


async def identify(provider: Provider, token: str, *, now: datetime) -> Actor | None:
    """Return the caller identified by a token; None if the token is invalid. Raise `Unavailable` for an unknown key
    while the provider is unreachable."""
    try:
        parsed = parse_token(token)
        keys = await provider.keys(key_id(parsed), now=now)
        return actor_of(claims_of(parsed, keys, provider.trust, now=now), provider.trust) if keys else None
    except InvalidToken:
        return None
