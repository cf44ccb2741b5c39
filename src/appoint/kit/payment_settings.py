"""Settings for payments by card."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class PaymentSettings(BaseSettings):
    payments_url: SecretStr | None = Field(
        default=None,
        description="Stripe, with a secret key: https://sk_live_…@api.stripe.com; if unset, development uses the "
        "gateway at /dev/payments, and production takes no payments by card",
    )
    payments_webhook_secrets: SecretStr | None = Field(
        default=None,
        description="secrets that sign the payment provider's events (whsec_…), comma-separated while one replaces "
        "another; required with APPOINT_PAYMENTS_URL",
    )
