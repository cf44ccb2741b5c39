"""The server process: uvicorn on uvloop, with limits for slow clients and a shutdown that fails no requests."""

import errno
import gc
import multiprocessing
import os
import signal
import socket
import threading
from asyncio import TimerHandle
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

import msgspec
import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from ..http.problems.handlers import MEDIA_TYPE, problem_members
from ..kit import metrics, tracing
from ..kit.errors import Fault, StartupError
from ..settings import Settings
from . import app as application
from . import logs
from .proxies import TrustedProxies

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than the 60 seconds of most load balancers, because they must close connections first."""
SETTLE_SECONDS: Final = 0.3
"""The pause before shutdown, which gives other processes time to close their listeners too."""
LAST_REQUEST_SECONDS: Final = 1.0
"""How long idle connections stay open during shutdown."""
READ_SECONDS: Final = 30.0
START_SECONDS: Final = 300.0
HEALTH_CHECK_SECONDS: Final = 30
WRITE_SECONDS: Final = 30.0
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 100


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with three changes.

    A request must arrive within 30 seconds, with a head of at most 64 KiB and 100 headers. Clients that do not read for
    30 seconds are disconnected. During shutdown, keep-alive connections stay open for one more second, so that requests
    in flight get a response, with `Connection: close`; `ending` and `end` in a request's state tell its stream to end.
    """

    ending = False
    """Shared by all of the process's connections, including those accepted during shutdown."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.in_message = self.in_head = False
        self.head_bytes = 0
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
        closing it would wait for the client.
        """
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        self.in_message = self.in_head = True
        self.head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.in_head = False
        if len(self.headers) > MAX_HEADERS:
            self.fault = Fault("HTTP", "has too many headers; maximum: {most}", most=MAX_HEADERS)
            raise ValueError  # the parser turns it into its own error
        super().on_headers_complete()
        if self.ending:
            self.cycle.keep_alive = False
            self.scope.get("state", {})["ending"] = True

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


class Server(uvicorn.Server):
    """A server that calls `ready` once it accepts requests."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready: Final = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()


class Supervisor(Multiprocess):
    """Several server processes that accept connections from one socket. If a process dies, it is replaced."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, ready: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self.ready: Final = ready

    def init_processes(self) -> None:
        super().init_processes()
        if all(process.wait_until_ready(START_SECONDS, self.should_exit) for process in self.processes):
            self.ready()

    def keep_subprocess_alive(self) -> None:
        before = {process.process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.process.pid for process in self.processes}:
            metrics.forget_process(pid or 0)

    def terminate_all(self) -> None:
        for listener in self.sockets:  # an open socket would accept connections that no process serves
            listener.close()
        super().terminate_all()


def listen(host: str, port: int) -> socket.socket:
    """Return the socket that all server processes accept connections on. Raise `StartupError` if this fails."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        hint = (
            "Another program is listening there; choose another port with APPOINT_PORT."
            if is_taken
            else "See APPOINT_HOST and APPOINT_PORT."
        )
        raise StartupError(f"Cannot listen on {host}, port {port}: {error.strerror}. {hint}") from error
    listener.set_inheritable(True)
    return listener


def address(listener: socket.socket) -> str:
    """Return the server's address for a browser on this machine."""
    bound, port = listener.getsockname()[:2]
    # a server that listens on all addresses is reachable at this machine's own
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, str(bound))  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(
    settings: Settings,
    listener: socket.socket,
    make: Callable[[], Litestar],
    *,
    workers: int,
    ready: Callable[[], None],
) -> None:
    """Serve the application that `make` returns until SIGTERM or SIGINT arrives. The signal is raised again once all
    requests have been answered."""
    config = uvicorn.Config(
        partial(_behind_proxies, settings, make if workers == 1 else partial(_in_child, settings, make)),
        factory=True,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `TrustedProxies` reads them
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        timeout_worker_healthcheck=HEALTH_CHECK_SECONDS,
        workers=workers,
    )
    if workers == 1:
        Server(config, ready).run([listener])
        return
    with metrics.shared_between_processes():
        Supervisor(config, listener, ready).run()


def create_application(settings: Settings, *, database_url: str, admin_token: str, with_worker: bool) -> Litestar:
    """Return the application, with or without the worker in the same process."""
    contexts: list[Callable[[Litestar], AbstractAsyncContextManager[None]]] = []
    if with_worker:
        from . import worker  # noqa: PLC0415  a server alone does not need the worker's libraries

        contexts = [worker.in_server(settings, database_url)]
    app = application.create(settings, database_url=database_url, admin_token=admin_token, contexts=contexts)
    gc.freeze()  # the collector need not scan objects that live as long as the process
    return app


def _behind_proxies(settings: Settings, make: Callable[[], Litestar]) -> TrustedProxies:
    return TrustedProxies(make(), settings.trusted_proxies)


def _in_child(settings: Settings, make: Callable[[], Litestar]) -> Litestar:
    """Return the application that `make` returns, in a child process. The child exits when its parent does, even if the
    parent is killed."""
    logs.configure(settings)
    parent = multiprocessing.parent_process()
    assert parent

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
    return make()
