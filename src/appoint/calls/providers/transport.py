"""Requests to the providers of video rooms: over TLS, to public addresses only, and with limits.

A clinic chooses its provider's address, so no request may reach our own network. The HTTP client takes a tenth of a
second to import, so it is imported when the first request is sent.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from .failures import ProviderFailure

RESPONSE_SECONDS: Final = 5.0
MAX_FILE_BYTES: Final = 4 * 1024**3
FILE_SECONDS: Final = 3600.0
MAX_RESPONSE_BYTES: Final = 64 * 1024
MAX_LIST_BYTES: Final = 1024 * 1024
"""Lists of rooms are longer. Only the nightly job reads them."""


class Request(NamedTuple):
    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    max_bytes: int = MAX_RESPONSE_BYTES


class Response(NamedTuple):
    status: int
    body: bytes


Transport = Callable[[Request], Awaitable[Response]]
"""Sends one request. Raises `ProviderFailure` if there is no complete response."""
Download = Callable[[str], AsyncIterator[bytes]]
"""Yields a file in parts. Raises `ProviderFailure` if it is not complete."""


class PublicTransport:
    """Opens a connection for each request, because requests to any one provider are rare."""

    def __init__(self, *, private_addresses: bool = False) -> None:
        self.private_addresses: Final = private_addresses

    async def __call__(self, request: Request) -> Response:
        if urlsplit(request.url).scheme != "https" and not self.private_addresses:
            raise ProviderFailure("insecure-address")
        from ...kit.outgoing import NoResponse, send  # noqa: PLC0415
        from ...kit.public_internet import connection_pool  # noqa: PLC0415

        try:
            async with connection_pool(private_addresses=self.private_addresses) as pool:
                response = await send(
                    pool,
                    request.method,
                    request.url,
                    headers={"User-Agent": "Appoint", **request.headers},
                    body=request.body,
                    seconds=RESPONSE_SECONDS,
                    max_bytes=request.max_bytes,
                )
        except NoResponse as failure:
            raise ProviderFailure(failure.cause, str(failure)) from None
        return Response(*response)

    async def download(self, url: str) -> AsyncIterator[bytes]:
        """Yield a recording in parts. Raise `ProviderFailure`."""
        if urlsplit(url).scheme != "https" and not self.private_addresses:
            raise ProviderFailure("insecure-address", "the recording's")
        from ...kit.outgoing import NoResponse, download  # noqa: PLC0415
        from ...kit.public_internet import connection_pool  # noqa: PLC0415

        try:
            async with connection_pool(private_addresses=self.private_addresses) as pool:
                parts = download(
                    pool, url, headers={"User-Agent": "Appoint"}, seconds=FILE_SECONDS, max_bytes=MAX_FILE_BYTES
                )
                async for part in parts:
                    yield part
        except NoResponse as failure:
            raise ProviderFailure(failure.cause, str(failure)) from None


def refusal(status: int) -> ProviderFailure:
    """Return why a request failed if the provider responded with this status."""
    match status:
        case 401 | 403:
            return ProviderFailure("key-refused", f"status {status}")
        case 429:
            return ProviderFailure("too-many-requests")
        case _:
            return ProviderFailure("error-response", f"status {status}")
