"""Counters per time window, either in memory or in Redis, where all server processes share them.

A counter stores only a digest of the thing it counts.
"""

import hashlib
import heapq
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import limits

if TYPE_CHECKING:
    from .redis_counters import RedisCounters

MAX_COUNTERS: Final = 50_000
"""The maximum number of counters with one name in a process: about 10 MB."""


class Rate(NamedTuple):
    """A maximum per window of `seconds`. Windows are aligned to the clock: a one-minute window starts on the minute."""

    most: int
    seconds: int

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.seconds)


def rates(text: str) -> tuple[Rate, ...]:
    """Parse rates such as `"5/minute; 20/hour"`, shortest window first. Raise `ValueError` if the text is invalid."""
    return tuple(
        sorted(
            (Rate(item.amount, item.get_expiry()) for item in limits.parse_many(text)), key=lambda rate: rate.seconds
        )
    )


class Quota(NamedTuple):
    """A counter and its limit."""

    rate: Rate
    number: int
    seconds_left: int
    """Seconds until the next window."""

    @property
    def is_over(self) -> bool:
        return self.number > self.rate.most


class Counters:
    """Counters identified by a `name` (what is counted) and `who` (for whom). The previous window's counters remain
    readable.

    Each name has its own store, so that a flood of requests cannot displace the counts of sign-in attempts.
    """

    def __init__(self, url: str | None, secret: str) -> None:
        self._secret: Final = hashlib.sha256(secret.encode()).digest()
        self._stores: dict[str, _Store] = defaultdict(_Store)
        self._redis: RedisCounters | None = None
        if url:
            from . import redis_counters  # noqa: PLC0415  an optional library, and slow to import

            self._redis = redis_counters.RedisCounters(url)

    async def close(self) -> None:
        if self._redis:
            await self._redis.close()

    async def add(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Quota:
        """Add `number` to a counter. If Redis is configured, all server processes share it. Raise `Unavailable` while
        Redis is unreachable.
        """
        if not self._redis:
            return self.add_here(name, who, rate, now, number=number)
        key, seconds_left = self._place(name, who, rate, now)
        return Quota(rate, await self._redis.add(key.hex(), 2 * rate.seconds, number), seconds_left)

    async def count(self, name: str, who: str, rate: Rate, now: datetime) -> Quota:
        """Return a counter's value without changing it. Raise `Unavailable` while Redis is unreachable."""
        if not self._redis:
            return self.count_here(name, who, rate, now)
        key, seconds_left = self._place(name, who, rate, now)
        return Quota(rate, await self._redis.count(key.hex()), seconds_left)

    def add_here(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Quota:
        """Add `number` to this process's own counter."""
        key, seconds_left = self._place(name, who, rate, now)
        expires_at = int(now.timestamp()) + seconds_left + rate.seconds
        return Quota(rate, self._stores[name].add(key, number, expires_at, now), seconds_left)

    def count_here(self, name: str, who: str, rate: Rate, now: datetime) -> Quota:
        key, seconds_left = self._place(name, who, rate, now)
        return Quota(rate, self._stores[name].count(key), seconds_left)

    def _place(self, name: str, who: str, rate: Rate, now: datetime) -> tuple[bytes, int]:
        """Return the counter's key and the seconds left in its window."""
        window, elapsed = divmod(int(now.timestamp()), rate.seconds)
        return hashlib.blake2b(
            f"{name} {window} {who}".encode(), key=self._secret, digest_size=16
        ).digest(), rate.seconds - elapsed


class _Store:
    """One name's counters in this process: a count and an expiry for each key."""

    def __init__(self) -> None:
        self._counters: dict[bytes, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._counters)

    def add(self, key: bytes, number: int, expires_at: int, now: datetime) -> int:
        count = self.count(key) + number
        if len(self) >= MAX_COUNTERS and key not in self._counters:
            self._drop(now)
        self._counters[key] = (count, expires_at)
        return count

    def count(self, key: bytes) -> int:
        return self._counters.get(key, (0, 0))[0]

    def _drop(self, now: datetime) -> None:
        """Drop the counters whose window has ended. If there are still too many, keep the half with the highest counts,
        because a flood consists of many low counts.
        """
        instant = now.timestamp()
        current = [(key, counter) for key, counter in self._counters.items() if counter[1] > instant]
        if len(current) > MAX_COUNTERS // 2:
            current = heapq.nlargest(MAX_COUNTERS // 2, current, key=lambda item: item[1])
        self._counters = dict(current)
