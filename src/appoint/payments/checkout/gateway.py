"""Choose the payment provider: Stripe, or the development gateway that stands in for it."""

import hmac
from dataclasses import dataclass
from typing import Final

from ...kit.errors import StartupError, Unavailable
from ...settings import Settings
from .links import PaymentLinks
from .port import PaymentGateway
from .stripe_api import StripeGateway
from .transport import ProviderAddress, Transport, parse_address

DEV_KEY: Final = "sk_test_development"
DEV_PATH: Final = "/dev/payments"


@dataclass(frozen=True)
class Checkout:
    """What handlers need to take payments by card."""

    gateway: PaymentGateway | None
    """None if no payment provider is configured."""
    links: PaymentLinks

    @classmethod
    def of(cls, settings: Settings) -> "Checkout":
        """Raise `StartupError` if the provider's settings are unusable."""
        return cls(create_gateway(settings), PaymentLinks.of(settings))

    async def aclose(self) -> None:
        """Close the connections to the provider."""
        if isinstance(self.gateway, StripeGateway):
            await self.gateway.aclose()

    def expect_gateway(self) -> PaymentGateway:
        """Raise `Unavailable` if no payment provider is configured."""
        if self.gateway is None:
            raise Unavailable
        return self.gateway


def create_gateway(settings: Settings, *, transport: Transport | None = None) -> StripeGateway | None:
    """Return the gateway to the configured provider. Without one, return a gateway to `/dev/payments` in development,
    and None in production. Raise `StartupError` if the setting is unusable."""
    if settings.payments_url:
        if not read_webhook_secrets(settings):
            raise StartupError(
                "APPOINT_PAYMENTS_WEBHOOK_SECRETS is missing (the provider shows it next to the webhook's address)"
            )
        return StripeGateway(parse_address(settings.payments_url.get_secret_value()), transport)
    if settings.mode == "development":
        return StripeGateway(ProviderAddress(settings.links_url + DEV_PATH, DEV_KEY), transport)
    return None


def read_webhook_secrets(settings: Settings) -> list[str]:
    """Return the secrets that may sign the provider's events."""
    if settings.payments_webhook_secrets:
        return [
            each.strip() for each in settings.payments_webhook_secrets.get_secret_value().split(",") if each.strip()
        ]
    if settings.payments_url is None and settings.mode == "development":
        return [dev_webhook_secret(settings)]
    return []


def dev_webhook_secret(settings: Settings) -> str:
    """Return the secret that signs the development gateway's events."""
    assert settings.secret_key, "created at startup"
    key = settings.secret_key.get_secret_value().encode()
    return "whsec_" + hmac.digest(key, b"development payments", "sha256").hex()
