"""Counters per time window: in memory, or in Redis, which all server processes share.

What a counter belongs to is stored as a digest.
"""

import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import limits

if TYPE_CHECKING:
    from .redis_counters import RedisCounters

ENTRIES: Final = 100_000
"""How many counters a process holds: about 20 MB."""


class Rate(NamedTuple):
    """A maximum per window of `seconds`. Windows are aligned to the clock: a one-minute window starts on the minute."""

    most: int
    seconds: int

    @property
    def length(self) -> timedelta:
        return timedelta(seconds=self.seconds)


def rates(text: str) -> tuple[Rate, ...]:
    """Parse rates such as `"5/minute; 20/hour"`, shortest window first. Raises `ValueError`."""
    return tuple(
        sorted(
            (Rate(item.amount, item.get_expiry()) for item in limits.parse_many(text)), key=lambda rate: rate.seconds
        )
    )


class Counted(NamedTuple):
    rate: Rate
    number: int
    left: int
    """Seconds until the next window."""

    @property
    def is_over(self) -> bool:
        return self.number > self.rate.most


class Counters:
    """Counters identified by a `name` (what is counted) and `who` (for whom). Counters of the previous window remain
    readable.
    """

    def __init__(self, url: str | None, secret: str) -> None:
        self._secret: Final = hashlib.sha256(secret.encode()).digest()
        self._kept: dict[bytes, tuple[int, int]] = {}
        self._redis: RedisCounters | None = None
        if url:
            from . import redis_counters  # noqa: PLC0415  an optional library, and slow to import

            self._redis = redis_counters.RedisCounters(url)

    async def close(self) -> None:
        if self._redis:
            await self._redis.close()

    async def add(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Counted:
        """Add `number` to a counter, shared by all server processes if Redis is configured. Raises `Unavailable` while
        Redis is unreachable.
        """
        if not self._redis:
            return self.add_here(name, who, rate, now, number=number)
        key, left = self._place(name, who, rate, now)
        return Counted(rate, await self._redis.add(key.hex(), 2 * rate.seconds, number), left)

    async def count(self, name: str, who: str, rate: Rate, now: datetime) -> Counted:
        """Return a counter without changing it. Raises `Unavailable` while Redis is unreachable."""
        if not self._redis:
            return self.count_here(name, who, rate, now)
        key, left = self._place(name, who, rate, now)
        return Counted(rate, await self._redis.count(key.hex()), left)

    def add_here(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Counted:
        """Add `number` to this process's own counter."""
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
        """Return the counter's key and the seconds left in its window."""
        window, gone = divmod(int(now.timestamp()), rate.seconds)
        return hashlib.blake2b(
            f"{name} {window} {who}".encode(), key=self._secret, digest_size=16
        ).digest(), rate.seconds - gone

    def _forget(self, now: datetime) -> None:
        """Drop counters of ended windows, and the older half of the rest if there are still too many."""
        instant = now.timestamp()
        kept = [(key, entry) for key, entry in self._kept.items() if entry[1] > instant]
        self._kept = dict(kept[-ENTRIES // 2 :])
