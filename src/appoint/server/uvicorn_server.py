"""The server process: uvicorn on uvloop, with limits for slow clients and a shutdown that does not fail any
requests."""

import errno
import gc
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

import uvicorn
from litestar import Litestar
from uvicorn.supervisors import Multiprocess

from ..kit import metrics
from ..kit.errors import StartupError
from ..settings import Settings
from . import app as application
from . import logs
from .connection import Connection
from .proxies import TrustedProxies

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than most load balancers' 60 seconds, because they must be the first to close connections."""
START_SECONDS: Final = 300.0
HEALTH_CHECK_SECONDS: Final = 30
ACCEPTS: Final = 16
"""How many connections a process accepts in one round of its event loop. libuv accepts only one for each listening
socket, so when there are many requests on open connections, and rounds are long, new connections would wait for
seconds."""


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

    def __init__(self, config: uvicorn.Config, listeners: list[socket.socket], ready: Callable[[], None]) -> None:
        super().__init__(config, listeners)
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
    # a server that listens on all addresses can be reached at the loopback address
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
    listeners = handles(listener)
    if workers == 1:
        Server(config, ready).run(listeners)
        return
    with metrics.shared_between_processes():
        Supervisor(config, listeners, ready).run()


def handles(listener: socket.socket) -> list[socket.socket]:
    """Return several handles for the same listening socket, including the given one."""
    duplicates = [listener.dup() for _ in range(ACCEPTS - 1)]
    for each in duplicates:
        each.set_inheritable(True)
    return [listener, *duplicates]


def create_application(settings: Settings, *, database_url: str, admin_token: str, with_worker: bool) -> Litestar:
    """Return the application, with or without the worker in the same process."""
    contexts: list[Callable[[Litestar], AbstractAsyncContextManager[None]]] = []
    if with_worker:
        from . import worker  # noqa: PLC0415  a server alone does not need the worker's libraries

        contexts = [worker.in_server(settings, database_url)]
    app = application.create(
        settings, database_url=database_url, admin_token=admin_token, contexts=contexts, follows_database_clock=True
    )
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
