"""Requests to other cells. Each is sent once: only the caller knows whether it may be repeated."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, NamedTuple

import httpx2
import structlog

from ...kit import clock, errors
from .model import Cell
from .signatures import HEADER, Origin, Signed, sign_request

log = structlog.get_logger()

CONNECT_SECONDS: Final = 2.0
IDLE_SECONDS: Final = 2.0
"""Shorter than servers keep idle connections open, so that no request meets one that is about to close."""
MAX_CONNECTIONS: Final = 100
"""Together with the time-out, it limits what a cell that does not respond can take from the others."""
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
PAUSE_SECONDS: Final = 1.0
"""How long a cell is left alone after it could not be reached."""


class Answer(NamedTuple):
    status: int
    body: bytes


class CellGateway:
    """A client for all other cells."""

    def __init__(
        self, name: str, secret: str, *, seconds: float, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        """`name` is this cell's. `seconds` is how long a response may take to begin. Tests pass a transport."""
        self.name: Final = name
        self.secret: Final = secret
        self.seconds: Final = seconds
        self._paused_until: dict[str, float] = {}
        self._client: Final = httpx2.AsyncClient(
            transport=transport,
            trust_env=False,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds), pool=0.5),
            limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, keepalive_expiry=IDLE_SECONDS),
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def stream(
        self,
        cell: Cell,
        method: str,
        target: str,
        *,
        headers: Iterable[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        address: str = "",
    ) -> AsyncGenerator[httpx2.Response]:
        """Send a request, and yield its response once it begins. `target` is the path and query, and `address` that of
        the caller for whom this cell sends it.

        Raise `Unavailable` if the cell cannot be reached or does not respond in time.
        """
        signed = Signed(cell.name, method, target, body)
        signature = sign_request(self.secret, signed, Origin(self.name, address), now=clock.now())
        url = httpx2.URL(cell.url).copy_with(raw_path=target.encode("latin-1"))
        request = self._client.build_request(
            method, url, headers=[*headers, (HEADER.encode(), signature.encode())], content=body or None
        )
        if time.monotonic() < self._paused_until.get(cell.name, 0):
            raise errors.Unavailable
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self.seconds):
                    response = await self._client.send(request, stream=True)
            except (TimeoutError, httpx2.TransportError) as error:
                if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
                    self._paused_until[cell.name] = time.monotonic() + PAUSE_SECONDS
                log.warning("cell did not respond", cell=cell.name, error=type(error).__name__)
                raise errors.Unavailable from None
            stack.push_async_callback(response.aclose)
            yield response

    async def get(self, cell: Cell, target: str) -> bytes:
        """Return a JSON document from another cell. Raise `Unavailable` if there is none, or if it is too large."""
        return _expect_success(cell, await self.call(cell, "GET", target))

    async def post(self, cell: Cell, target: str, body: bytes, *, address: str = "") -> bytes:
        """Send a JSON document on behalf of the caller at this address, and return the response. Raise the same errors
        as `get`."""
        return _expect_success(cell, await self.call(cell, "POST", target, body, address=address))

    async def call(self, cell: Cell, method: str, target: str, body: bytes = b"", *, address: str = "") -> Answer:
        """Send a request, with a JSON document unless the body is empty, and return the response, whatever its status.
        Raise `Unavailable` if there is none, or if it is too large."""
        headers = [(b"accept", b"application/json"), *([(b"content-type", b"application/json")] if body else [])]
        async with self.stream(cell, method, target, headers=headers, body=body, address=address) as response:
            return Answer(response.status_code, await self._read(cell, response))

    async def _read(self, cell: Cell, response: httpx2.Response) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(self.seconds):
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        log.warning("cell sent too long a response", cell=cell.name)
                        raise errors.Unavailable
        except (TimeoutError, httpx2.TransportError):
            raise errors.Unavailable from None
        return bytes(body)


def _expect_success(cell: Cell, answer: Answer) -> bytes:
    if answer.status == 200:
        return answer.body
    log.warning("cell refused a request", cell=cell.name, status=answer.status)
    raise errors.Unavailable
