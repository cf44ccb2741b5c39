"""Counters per time window, either in memory or in Redis, where all server processes share them.

A counter stores only a digest of what it counts.
"""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import limits

if TYPE_CHECKING:
    from .redis_counters import RedisCounters

MAX_COUNTERS: Final = 100_000
"""The maximum number of counters in a process: about 20 MB."""


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
    """

    def __init__(self, url: str | None, secret: str) -> None:
        self._secret: Final = hashlib.sha256(secret.encode()).digest()
        self._counts: dict[bytes, tuple[int, int]] = {}
        self._redis: RedisCounters | None = None
        if url:
            from . import redis_counters  # noqa: PLC0415  an optional library, and slow to import

            self._redis = redis_counters.RedisCounters(url)

    async def close(self) -> None:
        if self._redis:
            await self._redis.close()

    async def add(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Quota:
        """Add `number` to a counter, which all server processes share if Redis is configured. Raise `Unavailable` while
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
        count = self._counts.get(key, (0, 0))[0] + number
        if len(self._counts) >= MAX_COUNTERS:
            self._drop_old(now)
        self._counts[key] = (count, int(now.timestamp()) + seconds_left + rate.seconds)
        return Quota(rate, count, seconds_left)

    def count_here(self, name: str, who: str, rate: Rate, now: datetime) -> Quota:
        key, seconds_left = self._place(name, who, rate, now)
        return Quota(rate, self._counts.get(key, (0, 0))[0], seconds_left)

    def _place(self, name: str, who: str, rate: Rate, now: datetime) -> tuple[bytes, int]:
        """Return the counter's key and the seconds left in its window."""
        window, elapsed = divmod(int(now.timestamp()), rate.seconds)
        return hashlib.blake2b(
            f"{name} {window} {who}".encode(), key=self._secret, digest_size=16
        ).digest(), rate.seconds - elapsed

    def _drop_old(self, now: datetime) -> None:
        """Drop the counters whose window has ended, and the older half of the rest if there are still too many."""
        instant = now.timestamp()
        current = [(key, entry) for key, entry in self._counts.items() if entry[1] > instant]
        self._counts = dict(current[-MAX_COUNTERS // 2 :])
