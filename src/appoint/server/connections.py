"""The database connections of a server process."""

from collections.abc import Callable
from typing import Final, NamedTuple

from ..database import pooled
from ..database.pool import SERVER, Database
from ..database.replicas import Replica, Replicas, parse_urls, place_of
from ..settings import Settings
from .startup import read_keys

LOCK_SECONDS: Final = 2.0
"""How long requests wait for another session to release a row. After that, the response is a 503."""


class Connections(NamedTuple):
    requests: Database
    sessions: Database
    """For work that needs its own session. The same database, unless requests go through a pooler."""


def connect(settings: Settings, direct_url: str, connect: Callable[..., Database]) -> Connections:
    """Return the databases that serve requests and sessions. Neither connects before it is first used."""
    is_pooled = settings.database_direct_url is not None and settings.database_url is not None
    prepares = settings.prepared == "on" or (settings.prepared == "auto" and not is_pooled)
    wait_seconds, statement_seconds = settings.pool_timeout_seconds, settings.statement_timeout_seconds
    keys = read_keys(settings)
    if not is_pooled:
        db = connect(
            direct_url,
            size=settings.pool_size,
            wait_seconds=wait_seconds,
            statement_seconds=statement_seconds,
            lock_seconds=LOCK_SECONDS,
            role=SERVER,
            keys=keys,
            prepares=prepares,
        )
        return Connections(db, db)
    assert settings.database_url
    requests = pooled.connect(
        settings.database_url.get_secret_value(),
        size=settings.pool_size,
        wait_seconds=wait_seconds,
        statement_seconds=statement_seconds,
        lock_seconds=LOCK_SECONDS,
        prepares=prepares,
        keys=keys,
    )
    sessions = connect(
        direct_url, size=1, wait_seconds=wait_seconds, statement_seconds=statement_seconds, role=SERVER, keys=keys
    )
    return Connections(requests, sessions)


def connect_replicas(settings: Settings, own_connection: Database, connect: Callable[..., Database]) -> Replicas:
    """Return the replicas in the settings. None of them is connected before it is first used.

    `own_connection` goes to the primary. Raise `StartupError` if a URL is invalid.
    """
    keys = read_keys(settings)
    return Replicas(
        own_connection,
        [
            Replica(
                place_of(url),
                connect(
                    url,
                    size=settings.pool_size,
                    wait_seconds=settings.pool_timeout_seconds,
                    statement_seconds=settings.statement_timeout_seconds,
                    lock_seconds=LOCK_SECONDS,
                    role=SERVER,
                    keys=keys,
                ),
            )
            for url in parse_urls(settings.replica_urls.get_secret_value() if settings.replica_urls else "")
        ],
    )
