"""An in-process, ten-minute cache for data that is read often and rarely changes.

A change drops its clinic's entries immediately in the process that made it and, with Redis, in all other processes as
soon as the invalidation message arrives. Redis carries only invalidations, so a cache read never waits for the network,
and a failing Redis cannot serve outdated entries: a process that does not receive invalidations caches nothing and
reads from the database every time.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from cachetools import TTLCache

if TYPE_CHECKING:
    from .cache_invalidation import Invalidations

T = TypeVar("T")

TTL_SECONDS: Final = 600
MAX_ENTRIES: Final = 10_000


class ClinicCache:
    """Entries belong to a clinic and are dropped together. They are shared between requests: never mutate one.

    Each entry is stored under its clinic's generation, which is read before the entry is loaded and incremented after
    a change commits. An entry that was loaded before a change is therefore never found after it.
    """

    def __init__(self, redis_url: str | None) -> None:
        self._entries: TTLCache[tuple[int, int, str], Any] = TTLCache(MAX_ENTRIES, TTL_SECONDS)
        self._generations: dict[int, int] = {}
        self._invalidations: Invalidations | None = None
        if redis_url:
            from . import cache_invalidation  # noqa: PLC0415  an optional library, and slow to import

            self._invalidations = cache_invalidation.Invalidations(redis_url, forget=self.forget, clear=self._clear)

    async def __aenter__(self) -> Self:
        if self._invalidations:
            self._invalidations.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._invalidations:
            await self._invalidations.stop()

    async def get(self, clinic_id: int, name: str, load: Callable[[], Awaitable[T]]) -> T:
        """Return the entry, loading it if it is not cached. `None` is never cached."""
        if self._invalidations and not self._invalidations.connected:
            return await load()
        entries = self._entries  # replaced when the connection is lost, so an entry that is still loading is not cached
        key = (clinic_id, self._generations.get(clinic_id, 0), name)
        if (entry := entries.get(key)) is not None:
            return entry
        loaded = await load()
        if loaded is not None:
            entries[key] = loaded
        return loaded

    async def drop(self, clinic_id: int) -> None:
        """Drop the clinic's entries here and in all other processes. Call it after the change has committed.

        If Redis is unreachable, the message waits until it is back.
        """
        self.forget(clinic_id)
        if self._invalidations:
            await self._invalidations.send(clinic_id)

    def forget(self, clinic_id: int) -> None:
        """Drop the clinic's entries in this process only, for a caller that found them outdated."""
        self._generations[clinic_id] = self._generations.get(clinic_id, 0) + 1

    def _clear(self) -> None:
        self._entries = TTLCache(MAX_ENTRIES, TTL_SECONDS)
