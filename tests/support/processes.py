"""Appoint, Redis and PostgreSQL processes that run during a test."""

import asyncio
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import asyncpg
import httpx2
import pytest

from appoint.database import cluster, provisioning
from appoint.kit import errors
from support import preloaded, run_clock
from support.app import TOKEN
from support.keys import KEY

T = TypeVar("T")
Popen: TypeAlias = subprocess.Popen[str] | preloaded.PreloadedProcess


class Process:
    """A running `appoint …`, and its output so far."""

    def __init__(
        self,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        *,
        program: Path | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.popen: Popen = (
            preloaded.start(arguments, environment)
            if program is None and preloaded.can_start(arguments, environment)
            else subprocess.Popen(
                [program or sys.executable, "-m", "appoint", *arguments],
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
                start_new_session=True,
            )
        )
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.popen.stdout
        self.lines.extend(line.rstrip("\n") for line in self._follow())

    def _follow(self) -> Iterator[str]:
        assert self.popen.stdout
        yield from self.popen.stdout

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        """Wait until the server is ready, and return its address."""

        def address() -> str | None:
            assert self.popen.poll() is None, self.output
            match = re.search(r"Appoint is at (http://\S+)", self.output)
            return match and match[1]

        return eventually(address)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the process to end, and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            return self.popen.wait(60)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            raise
        finally:
            self.reader.join()


@contextmanager
def appoint(*arguments: str, **settings: Any) -> Iterator[Process]:
    """Run `appoint` with exactly these settings and with its database's clock."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")}
    environment |= {
        f"APPOINT_{name.upper()}": str(value)
        for name, value in (
            {
                "mode": "development",
                "port": 0,
                "admin_token": TOKEN,
                "encryption_keys": KEY,
                "rate_limits": False,
                "availability_seconds": 0,  # tests also change the database directly
                "queue": "never",
            }
            | settings
        ).items()
        if value is not None
    }
    process = Process(arguments, environment | run_clock.environment(settings.get("database_url")))
    try:
        yield process
    finally:
        process.stop()
        assert process.popen.stdout
        process.popen.stdout.close()


def free_port() -> int:
    """Return a port that no process listens on. It is outside the kernel's range for clients, so no client takes it
    before the server has started.
    """
    for port in random.SystemRandom().sample(range(15_000, 30_000), 100):
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.popen = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder],
            stdout=subprocess.DEVNULL,
        )
        eventually(self.answers)

    def answers(self) -> bool:
        assert self.popen.poll() is None, "Redis has exited"
        socket.create_connection(("127.0.0.1", self.port)).close()
        return True

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


@contextmanager
def own_postgres() -> Iterator[cluster.Cluster]:
    """An empty PostgreSQL server that a test can stop and start."""
    folder = Path(tempfile.mkdtemp(prefix="appoint-test-"))
    folder.chmod(0o711)  # when started as root, the server runs under a different account
    try:
        (folder / "data").mkdir(mode=0o711)
        postgres, _ = provisioning.prepare(folder / "data", lambda _: None, durable=False)
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    if not shutil.which("redis-server"):
        assert os.environ.get("CI") != "true", "CI must have redis-server"
        pytest.skip("redis-server is not installed")
    with tempfile.TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        try:
            yield redis
        finally:
            redis.kill()


def eventually(condition: Callable[[], T | None]) -> T:
    """Wait until the condition is true, and return its value. Connection errors count as false."""
    error: Exception | None = None
    for _ in range(2400):
        try:
            if value := condition():
                return value
            error = None
        except (OSError, httpx2.HTTPError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
            error = failure
        time.sleep(0.05)
    raise AssertionError("the condition was never met") from error


async def eventually_async(condition: Callable[[], Awaitable[T | None]]) -> T:
    """Wait until the condition is true, and return its value. An unavailable database counts as false."""
    for _ in range(4800):
        with suppress(errors.Unavailable):
            if value := await condition():
                return value
        await asyncio.sleep(0.025)
    raise AssertionError("the condition was never met")
