"""How often somebody did something in the current window of time: in memory, or in Redis, where all server processes
count together.

Who it was is kept as a digest. A process that has lost Redis does not ask it again for a second, so that requests do
not wait for it one by one.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import limits
import structlog
from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ...kit import errors

log = structlog.get_logger()

ENTRIES: Final = 100_000
"""As many counters as a process keeps: some 20 MB."""
WAIT_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 1.0
CONNECTIONS: Final = 32


class Rate(NamedTuple):
    """So many in a window of so many seconds. Windows are the clock's: those of a minute begin when it does."""

    most: int
    seconds: int

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.seconds)


def rates(text: str) -> tuple[Rate, ...]:
    """`"5/minute; 20/hour"`, the shortest window first. Raises `ValueError`."""
    return tuple(
        sorted(
            (Rate(item.amount, item.get_expiry()) for item in limits.parse_many(text)), key=lambda rate: rate.seconds
        )
    )


class Counted(NamedTuple):
    rate: Rate
    number: int
    left: int
    """Seconds until counting begins anew."""

    @property
    def is_over(self) -> bool:
        return self.number > self.rate.most


class Counters:
    """`name` says what is counted, `who` for whom. Those of the window before the current one are still there."""

    def __init__(self, url: str | None, secret: str) -> None:
        self._secret: Final = hashlib.sha256(secret.encode()).digest()
        self._kept: dict[bytes, tuple[int, int]] = {}
        self._retry_at = 0.0
        self._pool: Final = url and BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=WAIT_SECONDS,
            socket_timeout=WAIT_SECONDS,
            socket_connect_timeout=WAIT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        # the library's storage in memory looks at all its counters at each request
        self._redis: Final = self._pool and RedisStorage(
            "redis://",
            implementation="redispy",
            key_prefix="appoint",
            connection_pool=self._pool,  # pyright: ignore[reportArgumentType]  an option like others
        )

    async def close(self) -> None:
        if self._pool:
            await self._pool.disconnect()

    async def add(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Counted:
        """Count so many more, with all server processes where there is Redis. Raises `Unavailable` when it is away."""
        if not self._redis:
            return self.add_here(name, who, rate, now, number=number)
        key, left = self._place(name, who, rate, now)
        return Counted(rate, await self._ask(self._redis.incr, key.hex(), 2 * rate.seconds, number), left)

    async def count(self, name: str, who: str, rate: Rate, now: datetime) -> Counted:
        """How many there are, without one more. Raises `Unavailable`."""
        if not self._redis:
            return self.count_here(name, who, rate, now)
        key, left = self._place(name, who, rate, now)
        return Counted(rate, await self._ask(self._redis.get, key.hex()), left)

    def add_here(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Counted:
        """Count so many more in this process alone."""
        key, left = self._place(name, who, rate, now)
        count = self._kept.get(key, (0, 0))[0] + number
        if len(self._kept) >= ENTRIES:
            self._forget(now)
        self._kept[key] = (count, int(now.timestamp()) + left + rate.seconds)
        return Counted(rate, count, left)

    def count_here(self, name: str, who: str, rate: Rate, now: datetime) -> Counted:
        key, left = self._place(name, who, rate, now)
        return Counted(rate, self._kept.get(key, (0, 0))[0], left)

    def _place(self, name: str, who: str, rate: Rate, now: datetime) -> tuple[bytes, int]:
        """The counter's key, and how many seconds are left of its window."""
        window, gone = divmod(int(now.timestamp()), rate.seconds)
        return hashlib.blake2b(
            f"{name} {window} {who}".encode(), key=self._secret, digest_size=16
        ).digest(), rate.seconds - gone

    def _forget(self, now: datetime) -> None:
        """Windows that are over; if that leaves too many, the older half."""
        instant = now.timestamp()
        kept = [(key, entry) for key, entry in self._kept.items() if entry[1] > instant]
        self._kept = dict(kept[-ENTRIES // 2 :])

    async def _ask(self, command: Callable[..., Coroutine[Any, Any, int]], *args: Any) -> int:
        clock = asyncio.get_running_loop().time
        if clock() < self._retry_at:
            raise errors.Unavailable
        try:
            return await command(*args)
        except (RedisError, OSError, TimeoutError) as error:
            self._retry_at = clock() + RETRY_SECONDS
            log.warning("redis lost", error=type(error).__name__)
            raise errors.Unavailable from error
