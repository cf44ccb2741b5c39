"""Who comes with a token of the OpenID provider."""

from datetime import datetime

from ...kit.actors import Actor
from ...kit.errors import StartupError
from ...settings import Settings
from .gateway import Provider
from .model import ALGORITHMS, Refused, Trust, caller, claims_of, given, is_safe, key_id, opened


def trusted(settings: Settings) -> Trust | None:
    """Whose tokens the settings say are good; None: nobody's. Raises `StartupError` for what cannot be meant."""
    issuer = settings.oidc_issuer
    if not issuer:
        return None
    if not is_safe(issuer) or "?" in issuer or "#" in issuer or "@" in issuer:
        raise StartupError(
            "APPOINT_OIDC_ISSUER must look like https://login.example.org/realms/clinics: what is not https is only for this machine itself"
        )
    if not settings.oidc_audience:
        raise StartupError(
            "Set APPOINT_OIDC_AUDIENCE to what the provider's tokens for Appoint have as their audience (aud)."
        )
    if wrong := [name for name in settings.oidc_algorithms if name not in ALGORITHMS]:
        raise StartupError(
            f"APPOINT_OIDC_ALGORITHMS names {wrong[0]}. There are {', '.join(ALGORITHMS)}: those without a key or with a shared one are not safe."
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
            roles.append(given(entry))
        except ValueError as error:
            raise StartupError(f"APPOINT_OIDC_ROLES: “{entry}” {error}.") from None
    return Trust(issuer, settings.oidc_audience, frozenset(settings.oidc_algorithms), settings.oidc_roles_claim, roles)


async def identify(provider: Provider, token: str, *, now: datetime) -> Actor | None:
    """Whose token it is; None for one that is not good. Raises `Unavailable` for one whose key is not known while the
    provider is away."""
    try:
        asked = opened(token)
        keys = await provider.keys(key_id(asked), now=now)
        return caller(claims_of(asked, keys, provider.trust, now=now), provider.trust) if keys else None
    except Refused:
        return None
