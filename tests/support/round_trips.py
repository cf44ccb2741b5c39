"""A proxy in front of PostgreSQL that counts round trips."""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

from appoint.database.pool import connect


class Wire:
    """A proxy in front of the server's socket. A round trip ends when the server sends ReadyForQuery.

    Connections that listen for notifications do not count: they ping the server now and then, whatever a test does.
    """

    def __init__(self) -> None:
        self.round_trips = 0

    async def serve(self, client_reader, client_writer, path):
        server_reader, server_writer = await asyncio.open_unix_connection(path)
        listens = asyncio.Event()
        await asyncio.gather(
            self.pump_requests(client_reader, server_writer, listens),
            self.pump_responses(server_reader, client_writer, listens),
        )

    async def pump_requests(self, reader, writer, listens):
        while data := await reader.read(65536):
            if b"LISTEN " in data:
                listens.set()
            await forward(data, writer)
        writer.close()

    async def pump_responses(self, reader, writer, listens):
        buffer = b""
        while data := await reader.read(65536):
            buffer += data
            while len(buffer) >= 5 and len(buffer) >= (size := 1 + int.from_bytes(buffer[1:5])):
                self.round_trips += buffer[:1] == b"Z" and not listens.is_set()
                buffer = buffer[size:]
            await forward(data, writer)
        writer.close()


async def forward(data, writer):
    writer.write(data)
    await writer.drain()


@asynccontextmanager
async def proxied(url, folder):
    """Yield a database behind a proxy in this folder, and the proxy."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    socket = f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}"
    wire = Wire()
    server = await asyncio.start_unix_server(
        lambda reader, writer: wire.serve(reader, writer, socket), f"{folder}/.s.PGSQL.5432"
    )
    wire.url = f"postgresql://{parts.netloc}{parts.path}?host={folder}"
    db = connect(wire.url, size=1, wait_seconds=5, statement_seconds=10)
    yield db, wire
    await db.close()
    server.close()
