"""An HTTP client that costs the load generator as little as possible, because it shares its machine with the server."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

HEAD_END = b"\r\n\r\n"
HEADERS = re.compile(rb"\r\n(content-length|refresh|set-cookie): ([^\r]*)", re.IGNORECASE)
"""The response headers that the load generator needs."""


class Response(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Client(asyncio.Protocol):
    """One kept-alive connection, for one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._response: asyncio.Future[Response] | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(HEAD_END)
        if not found:
            return
        headers = {name.lower(): value for name, value in HEADERS.findall(head)}
        length = int(headers.get(b"content-length", 0))
        if len(body) >= length and self._response and not self._response.done():
            self._response.set_result(Response(int(head[9:12]), headers, body[:length]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._response and not self._response.done():
            self._response.set_exception(exc or ConnectionResetError())

    async def send(self, method: str, path: str, body: str = "", *, cookie: str = "", bearer: str = "") -> Response:
        """Return the response. Raise `OSError` if the connection is lost."""
        if not self.is_open:
            raise ConnectionResetError
        lines = [f"{method} {path} HTTP/1.1", "Host: rush", "Accept-Language: de", f"Content-Length: {len(body)}"]
        lines += [f"Cookie: {cookie}"] if cookie else []
        lines += [f"Authorization: Bearer {bearer}"] if bearer else []
        lines += ["Content-Type: application/json"] if body else []
        self._received = b""
        self._response = asyncio.get_running_loop().create_future()
        self._transport.write("\r\n".join([*lines, "", body]).encode())
        return await self._response

    def close(self) -> None:
        if self._transport:
            self._transport.close()


class Clients:
    """Connections to one server. Each request uses one that is idle, or a new one."""

    def __init__(self, address: str) -> None:
        self._host, self._port = address.removeprefix("http://").split(":")
        self._idle: list[Client] = []

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop()
        client = self._idle.pop() if self._idle else await self._connect()
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._idle.append(client)

    async def _connect(self) -> Client:
        _, client = await asyncio.get_running_loop().create_connection(Client, self._host, int(self._port))
        return client

    def close(self) -> None:
        for client in self._idle:
            client.close()
        self._idle.clear()
