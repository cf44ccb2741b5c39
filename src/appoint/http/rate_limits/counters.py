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
"""As many counters as a process keeps: some 20 MB."""


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
        self._redis: RedisCounters | None = None
        if url:
            from . import redis_counters  # noqa: PLC0415  an optional library, and slow to import

            self._redis = redis_counters.RedisCounters(url)

    async def close(self) -> None:
        if self._redis:
            await self._redis.close()

    async def add(self, name: str, who: str, rate: Rate, now: datetime, *, number: int = 1) -> Counted:
        """Count so many more, with all server processes where there is Redis. Raises `Unavailable` when it is away."""
        if not self._redis:
            return self.add_here(name, who, rate, now, number=number)
        key, left = self._place(name, who, rate, now)
        return Counted(rate, await self._redis.add(key.hex(), 2 * rate.seconds, number), left)

    async def count(self, name: str, who: str, rate: Rate, now: datetime) -> Counted:
        """How many there are, without one more. Raises `Unavailable`."""
        if not self._redis:
            return self.count_here(name, who, rate, now)
        key, left = self._place(name, who, rate, now)
        return Counted(rate, await self._redis.count(key.hex()), left)

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
