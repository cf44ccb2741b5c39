"""How much of a pool one clinic, and the visitors to its booking pages, can occupy."""

import asyncio
from collections import Counter
from collections.abc import Hashable
from contextvars import ContextVar
from typing import Final, NamedTuple

CLINIC: Final[ContextVar[int | None]] = ContextVar("clinic", default=None)
"""The clinic that the current request is about. Whatever first learns of it sets this."""
IS_VISITOR: Final[ContextVar[bool]] = ContextVar("is_visitor", default=False)
"""Whether the current request is from a patient or a stranger, rather than from staff or a partner system."""


class Share(NamedTuple):
    """The clinic that a connection counts for, and whether it also counts for its visitors."""

    clinic_id: int | None
    is_visitor: bool = False

    @classmethod
    def of_request(cls) -> "Share":
        return cls(CLINIC.get(), IS_VISITOR.get())


class Shares:
    """Keeps part of a pool free for other clinics, however many of one clinic's requests are waiting, for example for a
    row that another session has locked; and part of a clinic's share free for its staff, however many patients are
    booking.
    """

    def __init__(self, size: int) -> None:
        self.limit: Final = _most_of(size, 5)
        self.visitor_limit: Final = _most_of(self.limit, 4)
        self._semaphores: Final[dict[Hashable, asyncio.Semaphore]] = {}
        self._users: Final = Counter[Hashable]()

    def _limits(self, share: Share) -> list[tuple[Hashable, int]]:
        """Return the limits that apply, each with what it is counted for. Without a clinic there is none."""
        if share.clinic_id is None:
            return []
        of_clinic = (Share(share.clinic_id), self.limit)
        return [(share, self.visitor_limit), of_clinic] if share.is_visitor else [of_clinic]

    def is_full(self, share: Share) -> bool:
        """Return whether the request would have to wait."""
        return any(key in self._semaphores and self._semaphores[key].locked() for key, _ in self._limits(share))

    async def acquire(self, share: Share) -> None:
        """Take one of the places, waiting until there is one."""
        keys: list[Hashable] = []
        try:
            for key, limit in self._limits(share):
                self._users[key] += 1
                try:
                    await self._semaphores.setdefault(key, asyncio.Semaphore(limit)).acquire()
                except BaseException:
                    self._leave(key)
                    raise
                keys.append(key)
        except BaseException:
            self._release(keys)
            raise

    def release(self, share: Share) -> None:
        self._release([key for key, _ in self._limits(share)])

    def _release(self, keys: list[Hashable]) -> None:
        for key in keys:
            self._semaphores[key].release()
            self._leave(key)

    def _leave(self, key: Hashable) -> None:
        self._users[key] -= 1
        if not self._users[key]:
            del self._users[key], self._semaphores[key]


def _most_of(size: int, part: int) -> int:
    """Return the size without the part that stays free, but at least 1."""
    return max(1, size - max(1, size // part))
