"""Requests to other people's servers, with limits on how long a response may take and how large it may be.

Redirects are not followed, because they could lead to a server that was never chosen.

Importing this module takes a tenth of a second, so import it on first use.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import httpcore2

from .i18n import translatable
from .public_internet import NotPublic, Pool, Unresolved

CONNECT_SECONDS: Final = 5.0
NOT_PUBLIC: Final = translatable("must be reachable from the internet")
"""Also used for host names that cannot be resolved. Otherwise, managers could find out which internal names exist."""
Cause = Literal[
    "not-public",
    "connection-refused",
    "untrusted-certificate",
    "tls-failed",
    "unreachable",
    "timeout",
    "unexpected-response",
]


class Response(NamedTuple):
    status: int
    body: bytes


class NoResponse(Exception):
    """There is no complete response. The message says why, without the address."""

    def __init__(self, reason: str, cause: Cause = "unexpected-response") -> None:
        super().__init__(reason)
        self.cause: Final[Cause] = cause


FAILURES: Final = (
    Unresolved,
    NotPublic,
    TimeoutError,
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
)
"""What a request raises if there is no response."""


def no_response(error: Exception) -> NoResponse:
    """Return why there was no response."""
    match error:
        case Unresolved() | NotPublic():
            return NoResponse(NOT_PUBLIC, "not-public")
        case httpcore2.ConnectError(args=[ssl.SSLCertVerificationError(verify_message=detail)]):
            return NoResponse(f"has an invalid certificate: {detail}", "untrusted-certificate")
        case httpcore2.ConnectError(args=[ssl.SSLError()]):
            return NoResponse("failed the TLS handshake", "tls-failed")
        case httpcore2.ConnectError(args=[OSError(__cause__=ConnectionRefusedError())]):
            return NoResponse("refused the connection", "connection-refused")
        case httpcore2.ConnectError():
            return NoResponse("could not be reached", "unreachable")
        case httpcore2.ConnectTimeout():
            return NoResponse("could not be reached in time", "unreachable")
        case TimeoutError() | httpcore2.TimeoutException():
            return NoResponse("did not respond in time", "timeout")
        case httpcore2.ProtocolError():
            return NoResponse("did not respond with HTTP")
        case _:
            return NoResponse("closed the connection", "unreachable")


async def send(
    pool: Pool, method: str, url: str, *, headers: Mapping[str, str], body: bytes, seconds: float, max_bytes: int
) -> Response:
    """Send one request and return the response. Raise `NoResponse`."""
    async with _response(pool, method, url, headers=headers, body=body, seconds=seconds) as response:
        chunks = [part async for part in _limited(response, max_bytes)]
        return Response(response.status, b"".join(chunks))


async def download(
    pool: Pool, url: str, *, headers: Mapping[str, str], seconds: float, max_bytes: int
) -> AsyncIterator[bytes]:
    """Yield a file in parts. Raise `NoResponse`."""
    async with _response(pool, "GET", url, headers=headers, body=b"", seconds=seconds) as response:
        if response.status != 200:
            raise NoResponse(f"responded with {response.status}")
        async for part in _limited(response, max_bytes):
            yield part


@asynccontextmanager
async def _response(
    pool: Pool, method: str, url: str, *, headers: Mapping[str, str], body: bytes, seconds: float
) -> AsyncGenerator[httpcore2.Response]:
    try:
        async with (
            asyncio.timeout(seconds),
            pool.stream(
                method,
                url,
                headers={"Host": urlsplit(url).netloc, **headers},
                content=body,
                extensions={"timeout": {"connect": min(CONNECT_SECONDS, seconds)}},
            ) as response,
        ):
            yield response
    except FAILURES as error:
        raise no_response(error) from None


async def _limited(response: httpcore2.Response, max_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    async with aclosing(response.aiter_stream()) as parts:
        async for part in parts:
            size += len(part)
            if size > max_bytes:
                raise NoResponse("sent too long a response")
            yield part
