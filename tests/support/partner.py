"""A partner's server that records webhooks and responds as the test requires."""

import asyncio
import hmac
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Response = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def status(code: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {code} Whatever", *headers, "Content-Length: 2", "", "ok"]).encode()


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed_with(self, secret: str) -> bool:
        """Check the signature according to Standard Webhooks, using only the secret."""
        content = b".".join([self.id.encode(), self.headers["webhook-timestamp"].encode(), self.body])
        mac = hmac.new(b64decode(secret.removeprefix("whsec_")), content, "sha256").digest()
        return f"v1,{b64encode(mac).decode()}" in self.headers["webhook-signature"].split(" ")


class Partner:
    def __init__(self, response: Response = OK) -> None:
        self.response = response
        self.requests: list[Request] = []
        self.at_once = self.most_at_once = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def ids(self) -> list[str]:
        return [request.id for request in self.requests]

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/events?token=hush"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        try:
            while await self._hear(reader):
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    response = self.response
                    if isinstance(response, bytes):
                        writer.write(response)
                    else:
                        await response(writer)
                finally:
                    self.at_once -= 1
                if writer.is_closing():
                    break
        except ConnectionError:
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _hear(self, reader: asyncio.StreamReader) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return False
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        self.requests.append(
            Request(first.split(" ")[1], headers, await reader.readexactly(int(headers["content-length"])))
        )
        return True
