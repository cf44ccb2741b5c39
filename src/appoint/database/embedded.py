"""The PostgreSQL that comes with Appoint, shared by all processes of one data directory.

Two locks in the data directory make it safe to share. `.postgres-change` is held alone while the server is started or
stopped, `.postgres-use` is shared by all who use it. They are the kernel's (flock), so a kill -9 leaves none behind.
"""

import fcntl
import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import cluster
from .cluster import Cluster, NotStarted


@dataclass(frozen=True)
class Server:
    """A running server. `fresh`: this call made the database. `relocated`: its data or its programs are kept outside of
    the data directory and the checkout."""

    url: str
    fresh: bool
    data: Path
    binaries: Path
    relocated: bool


def to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


@contextmanager
def running(data_dir: Path, *, say: Callable[[str], None] = to_stderr, durable: bool = True) -> Generator[Server]:
    """The server of this data directory: the first to enter starts it, the last to leave stops it, whoever of them is
    killed.

    A server left behind by killed processes is stopped and started anew; one that dies while in use is restarted within
    seconds, under the same URL. `durable=False` (tests) trades safety in a power failure for speed; whoever starts the
    server decides. Raises NotStarted.
    """
    data_dir = data_dir.absolute()
    with _locks(data_dir) as (change, use):
        if not _lock_alone(change):
            say("Waiting for another process that is starting or stopping the database")
            fcntl.flock(change, fcntl.LOCK_EX)
        alone = _lock_alone(use)
        postgres, fresh = cluster.prepare(data_dir, say, durable=durable)
        try:
            if alone or not postgres.postmaster():
                postgres.stop()
                postgres.start()
            fcntl.flock(use, fcntl.LOCK_SH)
            fcntl.flock(change, fcntl.LOCK_UN)
            with _watched(postgres, change, say):
                yield Server(postgres.url, fresh, postgres.data, postgres.binaries, postgres.relocated)
        finally:
            fcntl.flock(change, fcntl.LOCK_EX)
            if _lock_alone(use):
                postgres.stop()


@contextmanager
def _locks(data_dir: Path) -> Generator[tuple[int, int]]:
    try:
        if not data_dir.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            data_dir.chmod(
                0o711 if os.geteuid() == 0 else 0o700
            )  # made by root, passable: the server's account has its folder within
        change, use = (
            os.open(data_dir / name, os.O_RDONLY | os.O_CREAT, 0o644) for name in (".postgres-change", ".postgres-use")
        )
    except OSError as error:
        raise NotStarted(
            f"The data directory {data_dir} cannot be used: {error.strerror}. Set APPOINT_DATA_DIR to a folder of your own."
        ) from error
    try:
        yield change, use
    finally:
        os.close(change)
        os.close(use)


def _lock_alone(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _watched(postgres: Cluster, change: int, say: Callable[[str], None]) -> Generator[None]:
    """Restarts the server when it dies under us (killed for memory, say). Several processes may watch; one restarts."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1):
            if postgres.postmaster():
                continue
            fcntl.flock(change, fcntl.LOCK_EX)
            try:
                if not postgres.postmaster():
                    say("The database server died; starting it again")
                    postgres.stop()
                    postgres.start()
            except (NotStarted, OSError) as error:
                say(str(error))
            finally:
                fcntl.flock(change, fcntl.LOCK_UN)

    watcher = threading.Thread(target=watch, name="postgres-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
