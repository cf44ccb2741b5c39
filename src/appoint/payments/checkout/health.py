"""Whether patients can pay by card, for monitoring."""

from functools import partial

from ...database.pool import Database
from ...http.health import PartHealth, PaymentHealth
from ..policies import service as policies
from .gateway import Checkout
from .stripe_api import StripeGateway


def watch(checkout: Checkout) -> PaymentHealth:
    """Return the report about payments, for the application to register."""
    return PaymentHealth(partial(report, checkout))


async def report(checkout: Checkout, db: Database) -> PartHealth | None:
    """Return what this server knows from its latest request to the payment provider. Without a provider, return None
    unless clinics ask for deposits, which patients cannot pay then."""
    if checkout.gateway is None:
        clinics = await policies.count_clinics_with_deposits(db.across())
        detail = f"clinics that ask for deposits: {clinics}, but no payment provider is configured"
        return PartHealth(ok=False, detail=detail) if clinics else None
    outage = checkout.gateway.outage if isinstance(checkout.gateway, StripeGateway) else None
    return PartHealth(ok=outage is None, detail=outage and str(outage))
