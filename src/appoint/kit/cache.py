"""An in-process, ten-minute cache for data that is read often and rarely changes.

A change drops its clinic's entries immediately in the process that made it and, as soon as the invalidation arrives, in
all other processes. Invalidations arrive over the database or, if there is one, over Redis. They carry no entries, so a
cache read never waits for the network. A process that does not receive invalidations caches nothing and reads from the
database every time.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol, Self, TypeVar

from cachetools import TTLCache

from .ids import PLATFORM
from .recent_values import Change, RecentValues
from .single_flight import Hints

T = TypeVar("T")

TTL_SECONDS: Final = 600
MAX_ENTRIES: Final = 10_000


class Invalidations(Protocol):
    """Sends this process's invalidations and receives those from other processes."""

    connected: bool

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def send(self, clinic_id: int, /) -> None: ...


Listen = Callable[[str, Callable[[int], None], Callable[[], None]], Invalidations]
"""Returns the invalidations for the process with the given name. They call its `forget` and `clear` functions."""


class ClinicCache:
    """Entries belong to a clinic and are dropped together. They are shared between requests: never mutate one.

    Each entry is stored under its clinic's generation, which is read before the entry is loaded and incremented after
    a change commits. An entry that was loaded before a change is therefore never found after it.

    Without Redis, `listen` connects the cache to other processes' caches.
    """

    def __init__(self, redis_url: str | None, *, listen: Listen | None = None, recent_seconds: float = 0) -> None:
        self.name: Final = secrets.token_hex(8)
        """Identifies this process's cache to others."""
        self.recent: Final = RecentValues(recent_seconds)
        """Values that depend not only on cached data, but also on appointments and hours."""
        self.hints: Final = Hints(recent_seconds)
        self._entries: TTLCache[tuple[int, int, str], Any] = TTLCache(MAX_ENTRIES, TTL_SECONDS)
        self._generations: dict[int, int] = {}
        self._invalidations: Invalidations | None = None
        if redis_url:
            from . import cache_invalidation  # noqa: PLC0415  an optional library, and slow to import

            self._invalidations = cache_invalidation.Invalidations(
                redis_url, forget=self._forget_all, clear=self._clear
            )
        elif listen:
            self._invalidations = listen(self.name, self._forget_all, self._clear)

    async def __aenter__(self) -> Self:
        if self._invalidations:
            await self._invalidations.start()
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

        If Redis is unreachable, the message is sent once it is back.
        """
        self._forget_all(clinic_id)
        if self._invalidations:
            await self._invalidations.send(clinic_id)

    def forget(self, clinic_id: int) -> None:
        """Drop the clinic's entries in this process only, for a caller that found them outdated."""
        self._generations[clinic_id] = self._generations.get(clinic_id, 0) + 1
        if clinic_id != PLATFORM:
            self.recent.forget(Change(clinic_id))

    def _forget_all(self, clinic_id: int) -> None:
        """Drop the clinic's entries, and those that combine several clinics' data."""
        self.forget(clinic_id)
        self.forget(PLATFORM)

    def _clear(self) -> None:
        self._entries = TTLCache(MAX_ENTRIES, TTL_SECONDS)
        self.recent.forget(Change())
