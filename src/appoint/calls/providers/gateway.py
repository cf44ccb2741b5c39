"""Choose a clinic's provider."""

from typing import NamedTuple

from ...settings import Settings
from .bigbluebutton import BigBlueButtonGateway
from .daily import DailyGateway
from .demo import DemoGateway
from .failures import ProviderFailure
from .fixed_link import FixedLinkGateway
from .jaas import JaasGateway
from .jitsi import JitsiGateway
from .model import Connection, Gateway
from .port import CallGateway
from .transport import Download, PublicTransport, Transport


class Providers(NamedTuple):
    """The settings that gateways need."""

    public_url: str
    secret: str
    default_gateway: Gateway | None
    """The gateway for clinics that have not chosen one; None if they have no video visits."""
    transport: Transport = PublicTransport()
    download: Download = PublicTransport().download

    def gateway_for(self, gateway: Gateway, connection: Connection | None) -> CallGateway:
        """Raise `ProviderFailure` if the clinic has not set up this provider, or no longer has."""
        if gateway == "demo" and self.default_gateway == "demo":
            return DemoGateway(self.public_url, self.secret)
        if connection is None:
            raise ProviderFailure("not-set-up")
        match gateway:
            case "jitsi":
                return JitsiGateway(connection)
            case "jaas":
                return JaasGateway(connection)
            case "daily":
                return DailyGateway(connection, self.transport)
            case "bigbluebutton":
                return BigBlueButtonGateway(connection, self.transport)
            case "link" | "demo":
                return FixedLinkGateway(connection)


def default_gateway(settings: Settings) -> Gateway | None:
    """Return where calls take place at clinics that have not chosen a provider: in demo rooms in development, and
    otherwise nowhere."""
    return "demo" if settings.mode == "development" else None


def create_providers(settings: Settings) -> Providers:
    """Return the providers. Only development has the demo gateway."""
    assert settings.secret_key, "created at startup"
    secret = settings.secret_key.get_secret_value()
    transport = PublicTransport(private_addresses=settings.call_private_addresses)
    return Providers(settings.links_url, secret, default_gateway(settings), transport, transport.download)
