"""How much of a pool one clinic can occupy."""

import asyncio
from collections import Counter
from contextvars import ContextVar
from typing import Final

CLINIC: Final[ContextVar[int | None]] = ContextVar("clinic", default=None)
"""The clinic that the current request is about. Whatever first learns of it sets this."""


class Shares:
    """Keeps part of a pool free for others, however many of one clinic's requests are waiting, for example for a row
    that another session has locked.
    """

    def __init__(self, size: int) -> None:
        self.limit: Final = max(1, size - max(1, size // 5))
        self._semaphores: Final[dict[int, asyncio.Semaphore]] = {}
        self._users: Final = Counter[int]()

    def is_full(self, clinic_id: int | None) -> bool:
        """Return whether the clinic would have to wait."""
        return clinic_id in self._semaphores and self._semaphores[clinic_id].locked()

    async def acquire(self, clinic_id: int | None) -> None:
        """Take one of the clinic's places, waiting until there is one. Without a clinic there is no limit."""
        if clinic_id is None:
            return
        self._users[clinic_id] += 1
        try:
            await self._semaphores.setdefault(clinic_id, asyncio.Semaphore(self.limit)).acquire()
        except BaseException:
            self._leave(clinic_id)
            raise

    def release(self, clinic_id: int | None) -> None:
        if clinic_id is None:
            return
        self._semaphores[clinic_id].release()
        self._leave(clinic_id)

    def _leave(self, clinic_id: int) -> None:
        self._users[clinic_id] -= 1
        if not self._users[clinic_id]:
            del self._users[clinic_id], self._semaphores[clinic_id]
