"""Appoint's own processes and Redis, started for a test and ended with it."""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from appoint.database import cluster, provisioning
from support import run_clock
from support.app import TOKEN

T = TypeVar("T")


class Process:
    """One `appoint …`, and what it has said so far."""

    def __init__(
        self,
        arguments: tuple[str, ...],
        environment: dict[str, str],
        *,
        program: str | Path = sys.executable,
        cwd: Path | None = None,
    ) -> None:
        self.popen = subprocess.Popen(
            [program, "-m", "appoint", *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            start_new_session=True,
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
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        """Where it serves, as soon as it does."""

        def found() -> str | None:
            assert self.popen.poll() is None, self.said
            match = re.search(r"Appoint is at (http://\S+)", self.said)
            return match and match[1]

        return eventually(found)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code."""
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
    """`appoint` with these settings and no others, and with the clock of its database."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")}
    environment |= {
        f"APPOINT_{name.upper()}": str(value)
        for name, value in (
            {"port": 0, "admin_token": TOKEN, "rate_limits": settings.get("mode") == "production"} | settings
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
    """Return a port that nothing listens on. It is below those that the kernel hands out to clients, so none of them
    takes it before the server that it is for has started."""
    for port in random.SystemRandom().sample(range(15_000, 30_000), 100):
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Redis:
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
        assert self.popen.poll() is None, "Redis has ended"
        socket.create_connection(("127.0.0.1", self.port)).close()
        return True

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


@contextmanager
def own_postgres() -> Iterator[cluster.Cluster]:
    """A PostgreSQL, running and empty, that a test may stop and start."""
    folder = Path(tempfile.mkdtemp(prefix="appoint-test-"))
    folder.chmod(0o711)  # for root the server runs as somebody else
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
def redis_server() -> Iterator[Redis]:
    if not shutil.which("redis-server"):
        assert os.environ.get("CI") != "true", "CI has redis-server"
        pytest.skip("redis-server is not installed")
    with tempfile.TemporaryDirectory() as folder:
        redis = Redis(Path(folder))
        try:
            yield redis
        finally:
            redis.kill()


def eventually(question: Callable[[], T | None]) -> T:
    """Return the first true answer to a question about what another process does in its own time."""
    error: Exception | None = None
    for _ in range(2400):
        try:
            if answer := question():
                return answer
            error = None
        except (OSError, httpx2.HTTPError) as failure:
            error = failure
        time.sleep(0.05)
    raise AssertionError("the condition was never met") from error
