"""What changes rarely and is asked often: ten minutes in memory, or in Redis when configured. A change drops it at once.

Entries belong to a clinic, and are dropped together. Each is kept under its clinic's generation, which is read before the entry is loaded and
counted up after a change commits: what was loaded before a change can then never be found after it.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from cashews import Cache

T = TypeVar("T")
SECONDS: Final = 600


class ClinicCache:
    def __init__(self, url: str | None) -> None:
        self.cache: Final = Cache()
        self.cache.setup(url or "mem://?size=10000", client_side=bool(url))

    async def get(self, clinic_id: int, name: str, load: Callable[[], Awaitable[T]]) -> T:
        """The entry, loaded when it is not there."""
        generation = await self.cache.get(f"generation:{clinic_id}", 0)
        key = f"{name}:{clinic_id}:{generation}"
        if (kept := await self.cache.get(key)) is not None:
            return kept
        loaded = await load()
        await self.cache.set(key, loaded, expire=SECONDS)
        return loaded

    async def drop(self, clinic_id: int) -> None:
        """Forget everything about the clinic; call it once a change has committed."""
        await self.cache.incr(f"generation:{clinic_id}")
