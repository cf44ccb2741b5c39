"""A client for a streamed response, which stays open until the client or the application closes it."""

import asyncio
from contextlib import asynccontextmanager


class Stream:
    """The part of an application's streamed response that has arrived so far."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""
        self.closed = asyncio.Event()
        self._more = asyncio.Condition()

    async def receive(self):
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message) -> None:
        async with self._more:
            self.status = message.get("status", self.status)
            self.text += message.get("body", b"").decode()
            self._more.notify_all()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.closed.set()

    async def receive_text(self, text: str, times: int = 1) -> None:
        """Wait until the text has arrived that many times."""
        async with asyncio.timeout(30), self._more:
            await self._more.wait_for(lambda: self.text.count(text) >= times)

    async def wait_until_closed(self) -> None:
        async with asyncio.timeout(30):
            await self.closed.wait()


@asynccontextmanager
async def listening(app, headers, path="/staff/1/changes"):
    """Open the stream, and close it at the end of the block."""
    stream = Stream()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"host", b"testserver.local"),
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("testserver.local", 80),
        "state": {},
    }
    task = asyncio.create_task(app(scope, stream.receive, stream.send))
    try:
        yield stream
    finally:
        stream.closed.set()
        await task
