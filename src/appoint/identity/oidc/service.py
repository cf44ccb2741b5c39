"""Identifying callers by tokens of the OpenID provider."""

from datetime import datetime

from ...kit.actors import Actor
from ...kit.errors import StartupError
from ...settings import Settings
from .gateway import Provider
from .model import ALGORITHMS, Refused, Trust, caller, claims_of, is_safe, key_id, parse_role, parse_token


def trusted(settings: Settings) -> Trust | None:
    """Return the provider in the settings, if any. Raises `StartupError` for invalid settings."""
    issuer = settings.oidc_issuer
    if not issuer:
        return None
    if not is_safe(issuer) or "?" in issuer or "#" in issuer or "@" in issuer:
        raise StartupError(
            "APPOINT_OIDC_ISSUER must look like https://login.example.org/realms/clinics: "
            "what is not https is only for this machine itself"
        )
    if not settings.oidc_audience:
        raise StartupError(
            "Set APPOINT_OIDC_AUDIENCE to what the provider's tokens for Appoint have as their audience (aud)."
        )
    if wrong := [name for name in settings.oidc_algorithms if name not in ALGORITHMS]:
        raise StartupError(
            f"APPOINT_OIDC_ALGORITHMS names {wrong[0]}. There are {', '.join(ALGORITHMS)}: "
            "those without a key or with a shared one are not safe."
        )
    if not settings.oidc_algorithms:
        raise StartupError(
            f"APPOINT_OIDC_ALGORITHMS must name one algorithm at least. There are {', '.join(ALGORITHMS)}."
        )
    if not settings.oidc_roles:
        raise StartupError(
            "Set APPOINT_OIDC_ROLES to what the roles of the provider are here, such as front-desk=receptionist:1."
        )
    roles = []
    for entry in settings.oidc_roles:
        try:
            roles.append(parse_role(entry))
        except ValueError as error:
            raise StartupError(f"APPOINT_OIDC_ROLES: “{entry}” {error}.") from None
    return Trust(issuer, settings.oidc_audience, frozenset(settings.oidc_algorithms), settings.oidc_roles_claim, roles)


async def identify(provider: Provider, token: str, *, now: datetime) -> Actor | None:
    """Return the caller of a token; None if it is invalid. Raises `Unavailable` for an unknown key while the provider
    is unreachable."""
    try:
        parsed = parse_token(token)
        keys = await provider.keys(key_id(parsed), now=now)
        return caller(claims_of(parsed, keys, provider.trust, now=now), provider.trust) if keys else None
    except Refused:
        return None
