"""Compute a value once for all callers who need it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

from cachetools import TTLCache

T = TypeVar("T")

MAX_HINTS: Final = 1000


class SingleFlight:
    def __init__(self) -> None:
        self._flights: Final[dict[Hashable, asyncio.Future[Any]]] = {}

    async def run(self, key: Hashable, compute: Callable[[], Awaitable[T]]) -> T:
        """Return the value with this key. The first caller computes it, in its own task; callers who come before it is
        there get the same value or the same error. If the first caller is cancelled, another one takes over."""
        while flight := self._flights.get(key):
            try:
                return await asyncio.shield(flight)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not flight.cancelled() or (task and task.cancelling()):
                    raise
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            value = await compute()
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # there may be no one else to see it
            raise
        except BaseException:
            flight.cancel()
            raise
        else:
            flight.set_result(value)
            return value
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def forget(self, key: Hashable) -> None:
        """Let the next caller compute the value again, because what it depends on has changed."""
        self._flights.pop(key, None)


class Hints:
    """Values that may be a little out of date, even for those who have just changed something. Unlike recent values
    (`recent_values.py`), they are reused while what they depend on changes all the time."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long values are reused; with 0, they are always computed."""
        self._seconds: Final = seconds
        self._values: Final[TTLCache[Hashable, Any]] = TTLCache(MAX_HINTS, seconds)
        self._flights: Final = SingleFlight()

    async def get(self, key: Hashable, compute: Callable[[], Awaitable[T]]) -> T:
        if not self._seconds:
            return await compute()
        value: T | None = self._values.get(key)
        if value is None:
            value = self._values[key] = await self._flights.run(key, compute)
        return value
