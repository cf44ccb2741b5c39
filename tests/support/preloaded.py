"""Processes that start in an instant, because they are forked from one that has already imported Appoint and registered
its routes.

Each is a real process with its own session, environment and output, as if `python -m appoint` had started it. Starting
Python and importing Appoint each time would take far more processor time than most of these tests.
"""

import array
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

COMMANDS = ("serve", "worker", "run", "migrate", "psql")
MODULES = ("appoint.cli.main", "appoint.server.app", "appoint.server.uvicorn_server", "appoint.server.worker")
"""What these commands import."""
EXCLUDED_SETTINGS = {"APPOINT_WORKERS", "APPOINT_SECRETS_DIR"}
"""The first starts further processes, which import Appoint themselves; the second is read by an import."""
MAX_REQUEST_BYTES = 100_000


class PreloadedProcess:
    """A running process, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str], parent: "Parent") -> None:
        output, output_end = os.pipe()
        self._status, status_end = os.pipe()
        try:
            parent.send(
                {"arguments": arguments, "environment": environment, "cwd": str(Path.cwd())}, output_end, status_end
            )
        finally:
            os.close(output_end)
            os.close(status_end)
        self._statuses = os.fdopen(self._status)
        self.pid = int(self._statuses.readline())
        self.stdout = os.fdopen(output)
        self.returncode: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        if self._lock.acquire(blocking=False):
            try:
                self._read_status(0)
            finally:
                self._lock.release()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._lock:
            self._read_status(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def _read_status(self, timeout: float | None) -> None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = int(self._statuses.readline())
            self._statuses.close()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Parent:
    """A process that has imported Appoint and forks others. It ends with the process that started it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._popen = subprocess.Popen(
            [sys.executable, "-P", __file__, str(other.fileno())],
            stdin=subprocess.DEVNULL,
            env=environment,
            pass_fds=[other.fileno()],
            start_new_session=True,
        )
        other.close()

    def send(self, request: dict[str, Any], *files: int) -> None:
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))
        self._socket.sendmsg([json.dumps(request).encode()], [rights])


PARENTS: list[Parent] = []
"""The parent of this worker's processes, once a test has started one."""


def can_start(arguments: tuple[str, ...], environment: dict[str, str]) -> bool:
    """Return whether this command behaves the same in a forked process as in a new one."""
    return arguments[0] in COMMANDS and "--workers" not in arguments and not environment.keys() & EXCLUDED_SETTINGS


def start(arguments: tuple[str, ...], environment: dict[str, str]) -> PreloadedProcess:
    """Start `appoint` with these arguments and this environment."""
    if not PARENTS:
        PARENTS.append(Parent({name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")}))
    return PreloadedProcess(arguments, environment, PARENTS[0])


class Clock:
    """The clock of the forked process: the real one, or the test run's (`startup/sitecustomize.py`)."""

    shift = timedelta(0)

    @classmethod
    def now(cls) -> datetime:
        return datetime.now(UTC) + cls.shift


def serve(requests: socket.socket) -> None:
    """Import Appoint and register its routes, then fork a process for each request until the test process exits."""
    clock = importlib.import_module("appoint.kit.clock")
    clock.now = Clock.now  # before other modules keep a reference to it
    for module in MODULES:
        importlib.import_module(module)
    _register_routes()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, files, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 2)
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _watch(json.loads(message), *files)
        for file in files:
            os.close(file)


def _register_routes() -> None:
    """Compose an application, whose routes those of the forked processes take over."""
    tests = str(Path(__file__).parents[1])
    sys.path.append(tests)
    importlib.import_module("support.shared_routes").share_routes()
    app = importlib.import_module("support.app")
    app.application.create(app.settings(), database_url="", admin_token=app.TOKEN)
    sys.path.remove(tests)


def _watch(request: dict[str, Any], output: int, status: int) -> None:
    """Fork the process, and report its id and, once it has ended, its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _become(request, output)
    os.close(output)
    os.write(status, f"{pid}\n".encode())
    _, result = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):
        os.write(status, f"{os.waitstatus_to_exitcode(result)}\n".encode())
    os._exit(0)


def _become(request: dict[str, Any], output: int) -> None:
    """Run `appoint` as the request says."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    Clock.shift = timedelta(seconds=float(os.environ.get("APPOINT_TESTS_SHIFT", "0")))
    sys.argv = ["appoint", *request["arguments"]]
    runpy.run_module("appoint", run_name="__main__")
    sys.exit()  # ends this process as Python ends any program


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
