"""Names whose addresses the test controls, and a server that records its requests, for webhook tests."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from typing import Self

import pytest

from appoint.integrations.webhooks import gateway
from appoint.kit.errors import Invalid
from appoint.kit.public_internet import connection_pool

PUBLIC_ADDRESS = "93.184.215.14"


class Names(dict[str, list[Sequence[str]]]):
    """The addresses that each lookup of a name returns. Further lookups repeat the last ones."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.lookups: list[str] = []
        self.system = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)

    def look_up(self, host, port, *args, **kwargs):
        if host not in self:
            return self.system(host, port, *args, **kwargs)
        self.lookups.append(host)
        addresses = self[host].pop(0) if len(self[host]) > 1 else self[host][0]
        return [result for address in addresses for result in self.system(address, port, *args, **kwargs)]


class Listener:
    """A server on this machine that records each request, sends the same response and closes the connection."""

    def __init__(self, response: bytes = b"", *, tls: ssl.SSLContext | None = None) -> None:
        self.response = response
        self.tls = tls
        self.requests: list[bytes] = []

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0, ssl=self.tls)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.read(65536))
        writer.write(self.response)
        writer.close()


async def post(url: str, *, private_addresses: bool = False):
    """Send an empty webhook request."""
    async with connection_pool(private_addresses=private_addresses) as pool:
        return await gateway.post(pool, url, b"{}", headers={}, seconds=5)


async def rejection(url: str, **options: bool) -> str | None:
    """Return why a webhook cannot have this URL, or None if it can."""
    try:
        await gateway.check_url(url, **({"private_addresses": False} | options))
    except Invalid as invalid:
        (fault,) = invalid.faults
        assert fault.pointer == "#/url"
        return fault.text
    return None
