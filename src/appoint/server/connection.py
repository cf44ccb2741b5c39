"""HTTP connections, with limits on slow and wasteful clients, and a shutdown that does not fail any requests."""

from asyncio import TimerHandle
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..http.problems.handlers import MEDIA_TYPE, problem_members
from ..http.request_head import MAX_HEAD_BYTES, MAX_HEADERS
from ..kit import tracing
from ..kit.errors import Fault

SETTLE_SECONDS: Final = 0.3
"""The pause before shutdown, which gives other processes time to close their listeners too."""
LAST_REQUEST_SECONDS: Final = 1.0
"""How long idle connections stay open during shutdown."""
READ_SECONDS: Final = 30.0
WRITE_SECONDS: Final = 30.0
MAX_PIPELINED: Final = 128
"""How many requests a connection may send before the response to the first."""
MAX_PIECES: Final = 4096
"""How many pieces a body may arrive in. Each chunk is a piece, and each piece costs as much as a thousand bytes."""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with a few changes.

    A request must arrive within 30 seconds, with a head of at most 64 KiB and 100 headers, and not in tiny pieces.
    Headers that follow the body (trailers) are ignored, because the head has been checked by then. Clients that do not
    read for 30 seconds are disconnected. During shutdown, keep-alive connections stay open for one more second, so that
    requests in flight still get a response, with `Connection: close`. `ending` and `end` in a request's state tell its
    stream to end.
    """

    ending = False
    """Shared by all of the process's connections, including those accepted during shutdown."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.in_message = self.in_head = False
        self.head_bytes = self.pieces = 0
        self.fault = Fault("HTTP", "is not valid HTTP/1.1; non-ASCII characters in an address must be percent-encoded")
        self.read_timeout: TimerHandle | None = self.loop.call_later(READ_SECONDS, transport.abort)
        self.write_timeout: TimerHandle | None = None
        if self.ending:
            self.shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_read_timeout()
        if self.write_timeout:
            self.write_timeout.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self.in_message:
            self._cancel_read_timeout()
            return
        if self.read_timeout is None:
            self.read_timeout = self.loop.call_later(READ_SECONDS, self.transport.abort)
        if self.in_head:
            self.head_bytes += len(data)
            if self.head_bytes > MAX_HEAD_BYTES:
                self.transport.abort()

    def _cancel_read_timeout(self) -> None:
        if self.read_timeout is not None:
            self.read_timeout.cancel()
            self.read_timeout = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.write_timeout = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.write_timeout:
            self.write_timeout.cancel()
            self.write_timeout = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection. If the client has not read everything, abort the connection instead, because
        closing it would mean waiting for the client.
        """
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        self.in_message = self.in_head = True
        self.head_bytes = self.pieces = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            return
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._refuse("has too many headers; maximum: {n}", MAX_HEADERS)

    def on_headers_complete(self) -> None:
        self.in_head = False
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > MAX_HEAD_BYTES:
            self._refuse("has headers that are too long; maximum in bytes: {n}", MAX_HEAD_BYTES)
        super().on_headers_complete()
        if len(self.pipeline) > MAX_PIPELINED:
            self.transport.abort()
            self._refuse("has too many pipelined requests; maximum: {n}", MAX_PIPELINED)
        if self.ending:
            self.cycle.keep_alive = False
            self.scope.get("state", {})["ending"] = True

    def on_body(self, body: bytes) -> None:
        self.pieces += 1
        if self.pieces > MAX_PIECES:
            self._refuse("has a body in too many pieces; maximum: {n}", MAX_PIECES)
        super().on_body(body)

    def _refuse(self, text: str, most: int) -> None:
        self.fault = Fault("HTTP", text, n=most)
        raise ValueError  # the parser turns it into its own error

    def on_message_complete(self) -> None:
        self.in_message = False
        super().on_message_complete()

    def shutdown(self) -> None:
        """Prepare to shut down. uvicorn has closed this process's listener, but other processes may still accept
        connections, so wait a moment before making clients reconnect."""
        self.loop.call_later(SETTLE_SECONDS, self._end)

    def _end(self) -> None:
        Connection.ending = True
        if self._is_silent():
            self.loop.call_later(LAST_REQUEST_SECONDS, self._close_when_silent)
        elif not self.in_head:
            self.cycle.keep_alive = False
            state = self.scope.get("state", {})
            state["ending"] = True
            if end := state.get("end"):  # otherwise a stream would never end
                end()

    def _close_when_silent(self) -> None:
        if self._is_silent():
            self.transport.close()

    def _is_silent(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        return not self.in_message and (cycle is None or cycle.response_complete)

    def send_400_response(self, msg: str) -> None:
        """Respond to invalid HTTP with a problem document instead of the parser's message."""
        del msg
        request_id = tracing.parse_origin(()).request_id
        body = msgspec.json.encode(
            problem_members("invalid-request", "en", instance="", request_id=request_id, faults=(self.fault,), facts={})
        )
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
