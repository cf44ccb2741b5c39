"""Choose a clinic's provider."""

from typing import NamedTuple

from ...settings import Settings
from .demo import DemoGateway
from .fixed_link import FixedLinkGateway
from .jitsi import JitsiGateway
from .model import Connection, Gateway, ProviderFailure
from .port import CallGateway


class Providers(NamedTuple):
    """The settings that gateways need."""

    public_url: str
    secret: str
    default_gateway: Gateway | None
    """The gateway for clinics that have not chosen one; None if they have no video visits."""

    def gateway_for(self, gateway: Gateway, connection: Connection | None) -> CallGateway:
        """Raise `ProviderFailure` if the clinic has not set up this provider, or no longer has."""
        if gateway == "demo" and self.default_gateway == "demo":
            return DemoGateway(self.public_url, self.secret)
        if connection is None:
            raise ProviderFailure("video visits are not set up")
        return JitsiGateway(connection) if gateway == "jitsi" else FixedLinkGateway(connection)


def create_providers(settings: Settings) -> Providers:
    """Return the providers. Only development has the demo gateway."""
    assert settings.secret_key, "created at startup"
    default: Gateway | None = "demo" if settings.mode == "development" else None
    return Providers(settings.links_url, settings.secret_key.get_secret_value(), default)
