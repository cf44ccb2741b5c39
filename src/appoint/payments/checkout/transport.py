"""Connections to the payment provider, over TLS and to public addresses only.

The HTTP client takes a tenth of a second to import, so it is imported when the first request is sent.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from ...kit.errors import StartupError
from ...kit.hosts import is_loopback
from .model import GatewayUnavailable

if TYPE_CHECKING:
    from ...kit.public_internet import Pool

EXAMPLE: Final = "https://sk_live_…@api.stripe.com"
RESPONSE_SECONDS: Final = 20.0
MAX_RESPONSE_BYTES: Final = 2 * 1024 * 1024


class ProviderRequest(NamedTuple):
    """A request to the provider."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ProviderResponse(NamedTuple):
    status: int
    body: bytes


Transport = Callable[[ProviderRequest], Awaitable[ProviderResponse]]
"""Sends one request. Raises `GatewayUnavailable` if there is no complete response."""


class ProviderAddress(NamedTuple):
    """The parts of `APPOINT_PAYMENTS_URL`."""

    base: str
    key: str

    @property
    def is_local(self) -> bool:
        return is_loopback(urlsplit(self.base).hostname or "")


def parse_address(url: str) -> ProviderAddress:
    """Raise `StartupError` unless the URL contains a key and uses https, or stays on this machine."""
    try:
        parts = urlsplit(url)
        scheme, host, port, key = parts.scheme, parts.hostname or "", parts.port, unquote(parts.username or "")
    except ValueError:
        raise StartupError(f"APPOINT_PAYMENTS_URL is not a URL; it must look like {EXAMPLE}") from None
    if scheme not in ("https", "http") or not host.isascii() or not host or parts.query or parts.fragment:
        raise StartupError(f"APPOINT_PAYMENTS_URL must look like {EXAMPLE}")
    if not key or not key.isascii() or parts.password:
        raise StartupError(f"APPOINT_PAYMENTS_URL must contain a secret key: {EXAMPLE}")
    if scheme == "http" and not is_loopback(host):
        raise StartupError("APPOINT_PAYMENTS_URL must be https, because every request contains the key")
    name = f"[{host}]" if ":" in host else host
    return ProviderAddress(f"{scheme}://{name}{f':{port}' if port else ''}{parts.path.rstrip('/')}", key)


class PooledTransport:
    """Sends requests over TLS to public addresses only, or to this machine if that is where the provider is."""

    def __init__(self, address: ProviderAddress) -> None:
        self.address: Final = address
        self._pool: Pool | None = None

    async def __call__(self, request: ProviderRequest) -> ProviderResponse:
        from ...kit.outgoing import NoResponse, send  # noqa: PLC0415
        from ...kit.public_internet import connection_pool  # noqa: PLC0415

        if self._pool is None:
            self._pool = connection_pool(private_addresses=self.address.is_local)
        try:
            response = await send(
                self._pool,
                request.method,
                self.address.base + request.path,
                headers=request.headers,
                body=request.body,
                seconds=RESPONSE_SECONDS,
                max_bytes=MAX_RESPONSE_BYTES,
            )
        except NoResponse as failure:
            raise GatewayUnavailable(f"the payment provider {failure}") from None
        return ProviderResponse(*response)

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None
