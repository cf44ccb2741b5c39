"""Counters in Redis, shared by all server processes. Imported only if Redis is configured."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

import structlog
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ...kit import errors
from ...kit.cache_invalidation import CONNECTION_ERRORS

log = structlog.get_logger()

TIMEOUT_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 1.0
MAX_CONNECTIONS: Final = 32


class RedisCounters:
    """Counters in Redis. After losing the connection, they refuse requests for a second without trying again, so that
    requests do not queue up waiting for a timeout.
    """

    def __init__(self, url: str) -> None:
        self._retry_at = 0.0
        self._pool: Final[BlockingConnectionPool] = cast("Any", BlockingConnectionPool).from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=TIMEOUT_SECONDS,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._storage: Final = RedisStorage(
            "redis://",
            implementation="redispy",
            key_prefix="appoint",
            connection_pool=self._pool,  # pyright: ignore[reportArgumentType]  an option like any other
        )

    async def close(self) -> None:
        await self._pool.disconnect()

    async def add(self, key: str, expiry_seconds: int, number: int) -> int:
        """Add to a counter and return its new value. Raise `Unavailable` while Redis is unreachable."""
        return await self._run(self._storage.incr, key, expiry_seconds, number)

    async def count(self, key: str) -> int:
        """Return a counter's value. Raise `Unavailable` while Redis is unreachable."""
        return await self._run(self._storage.get, key)

    async def _run(self, command: Callable[..., Coroutine[Any, Any, int]], *args: Any) -> int:
        clock = asyncio.get_running_loop().time
        if clock() < self._retry_at:
            raise errors.Unavailable
        try:
            return await command(*args)
        except CONNECTION_ERRORS as error:
            self._retry_at = clock() + RETRY_SECONDS
            log.warning("redis lost", error=type(error).__name__)
            raise errors.Unavailable from error
