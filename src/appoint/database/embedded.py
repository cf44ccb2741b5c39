"""The PostgreSQL server that comes with Appoint, shared by all processes that use the same data directory.

Two locks in the data directory make sharing safe. A process locks `.postgres-change` exclusively to start or stop the
server, and holds a shared lock on `.postgres-use` for as long as it uses the server. Both are kernel locks (flock), so
even a kill -9 doesn't leave one behind.
"""

import fcntl
import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from . import provisioning
from .cluster import Cluster, NotStarted


@dataclass(frozen=True)
class Server:
    """A running server. `url` is for the tables' owner, `serving_url` for a login that does not own anything and exists
    once `logins.prepare` has created it. `fresh` means that this call created the database; `relocated`, that its data
    or its programs are outside the data directory and the checkout."""

    url: str
    serving_url: str
    fresh: bool
    data: Path
    binaries: Path
    relocated: bool


def to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


@contextmanager
def running(data_dir: Path, *, say: Callable[[str], None] = to_stderr, durable: bool = True) -> Generator[Server]:
    """Run this data directory's server. The first process to enter starts it, and the last to leave stops it, even if
    others are killed.

    A server left behind by killed processes is restarted first. A server that dies while in use is restarted within
    seconds, under the same URL. `durable=False` (for tests) trades safety in a power failure for speed; the process
    that starts the server decides. Raise `NotStarted` if the server cannot be started.
    """
    data_dir = data_dir.absolute()
    with _locks(data_dir) as (change, use):
        if not _lock_alone(change):
            say("Waiting for another process to finish starting or stopping the database")
            fcntl.flock(change, fcntl.LOCK_EX)
        alone = _lock_alone(use)
        postgres, fresh = provisioning.prepare(data_dir, say, durable=durable)
        try:
            if alone or not postgres.postmaster():
                postgres.stop()
                postgres.start()
            fcntl.flock(use, fcntl.LOCK_SH)
            fcntl.flock(change, fcntl.LOCK_UN)
            with _watched(postgres, change, say):
                yield Server(
                    postgres.url_of("appoint"),
                    postgres.url_of("appoint_serving"),
                    fresh,
                    postgres.data,
                    postgres.binaries,
                    postgres.relocated,
                )
        finally:
            fcntl.flock(change, fcntl.LOCK_EX)
            if _lock_alone(use):
                postgres.stop()


@contextmanager
def recovering(
    data_dir: Path, *, fill: Callable[[Path], None], settings: Mapping[str, str], say: Callable[[str], None]
) -> Generator[Cluster]:
    """Create a data directory whose data `fill` writes. Yield its server with additional settings, not yet started, and
    stop it at the end. Raise `NotStarted` if there is a database already."""
    data_dir = data_dir.absolute()
    with _locks(data_dir) as (change, _):
        fcntl.flock(change, fcntl.LOCK_EX)
        if os.path.lexists(data_dir / "postgres"):
            raise NotStarted(f"{data_dir} already contains a database. Choose a new directory.")
        postgres, _ = provisioning.prepare(data_dir, say, durable=True, fill=fill)
        postgres = replace(postgres, settings={**postgres.settings, **settings})
        try:
            yield postgres
        finally:
            postgres.stop()


@contextmanager
def _locks(data_dir: Path) -> Generator[tuple[int, int]]:
    try:
        if not data_dir.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            # If started as root, the server runs under a different account, whose folder is inside this one.
            data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
        change, use = (
            os.open(data_dir / name, os.O_RDONLY | os.O_CREAT, 0o644) for name in (".postgres-change", ".postgres-use")
        )
    except OSError as error:
        raise NotStarted(
            f"The data directory {data_dir} cannot be used: {error.strerror}. "
            "Set APPOINT_DATA_DIR to one of your own folders."
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
    """Restart the server if it dies while in use, for example because memory ran out. Several processes may be
    watching, but only one restarts it."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1):
            if postgres.postmaster():
                continue
            fcntl.flock(change, fcntl.LOCK_EX)
            try:
                if not postgres.postmaster():
                    say("The database server died; restarting it")
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
