"""A TCP proxy that can cut the network."""

import asyncio
from typing import Final

from support.processes import free_port


class Proxy:
    """Forwards connections to a port on this machine.

    While the network is cut, nothing arrives, and neither side gets an error.
    """

    def __init__(self, target: int) -> None:
        self.port: Final = free_port()
        self._target: Final = target
        self._connected = asyncio.Event()
        self._connected.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def cut(self) -> None:
        self._connected.clear()

    def join(self) -> None:
        self._connected.set()

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._connected.wait()
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        for pump in (self._pump(reader, server_writer), self._pump(server_reader, writer)):
            task = asyncio.create_task(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._connected.wait()
                writer.write(data)
                await writer.drain()
            await self._connected.wait()
        except OSError:
            pass
        finally:
            writer.close()
