"""Check clinics' secrets, as far as that is possible without the provider."""

import base64
import binascii
from typing import Final

from ...kit.errors import Fault
from ...kit.i18n import translatable
from ..providers.daily import is_api_key
from ..providers.failures import ProviderFailure
from ..providers.jaas import signing_key
from ..providers.model import GatewayChoice

MIN_SECRET_LENGTH: Final = 32
WITH_SECRET: Final[frozenset[GatewayChoice]] = frozenset({"jitsi", "jaas", "daily", "bigbluebutton"})


def secret_faults(gateway: GatewayChoice | None, secret: str) -> list[Fault]:
    """Return why a provider's secret is certain not to work."""
    if gateway not in WITH_SECRET:
        return []
    if not secret:
        return [Fault("#/secret", "is missing")]
    if gateway == "jitsi" and len(secret) < MIN_SECRET_LENGTH:
        return [Fault("#/secret", translatable("must have at least {count} characters"), count=MIN_SECRET_LENGTH)]
    if gateway == "daily" and not is_api_key(secret):
        return [Fault("#/secret", translatable("must be an API key, without spaces"))]
    if gateway == "jaas" and not _is_signing_key(secret):
        return [Fault("#/secret", translatable("must be a private key in PEM format"))]
    return []


def webhook_secret_faults(secret: str) -> list[Fault]:
    """Return why the secret that signs Daily's events is certain not to work."""
    if not secret:
        return [Fault("#/webhookSecret", "is missing")]
    try:
        base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return [Fault("#/webhookSecret", translatable("must be in base64"))]
    return []


def _is_signing_key(secret: str) -> bool:
    try:
        signing_key(secret)
    except ProviderFailure:
        return False
    return True
