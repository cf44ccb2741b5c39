"""How many visitors a process lets in per second: more while its responses are fast, and fewer when they are not.

Each process measures only itself. Together they advance the queue by the sum of their paces.
"""

from typing import Final

SLOW_SECONDS: Final = 0.5
"""Half the longest time that an admitted visitor should have to wait for a response."""
SLOW_SHARE: Final = 0.05
MAX_LAG_SECONDS: Final = 0.5
"""How late the process may be with the work that it does every second."""
MAX_BUSY: Final = 4.0
"""The number of requests in progress, on average, above which the pace no longer increases."""
START: Final = 5.0
MIN: Final = 1.0
GROWTH: Final = 1.05
REDUCTION: Final = 0.7
OVERLOADED_SHARE: Final = 0.3
OVERLOADED_REQUESTS: Final = 10
"""The number of slow requests in a second below which a process does not count as overloaded."""
OVERLOADED_SECONDS: Final = 3
"""How many consecutive seconds make an overload."""


class Pace:
    def __init__(self, most: float) -> None:
        """`most` limits the visitors per second."""
        self.most: Final = most
        self.rate = min(START, most)
        self.overloaded_seconds = 0
        self._requests = 0
        self._slow = 0
        self._busy = 0.0
        self._fraction = 0.0

    @property
    def is_overloaded(self) -> bool:
        return self.overloaded_seconds >= OVERLOADED_SECONDS

    def observe(self, seconds: float, *, failed: bool) -> None:
        """Count a request that the booking pages or the API answered."""
        self._requests += 1
        self._slow += failed or seconds > SLOW_SECONDS
        self._busy += seconds

    def advance(self, seconds: float, *, lag: float) -> int:
        """Return how many visitors to let in for the last `seconds`, and adjust the pace to what happened in that
        time."""
        if lag > MAX_LAG_SECONDS or self._slow > max(self._requests * SLOW_SHARE, 1):
            self.rate = max(self.rate * REDUCTION, MIN)
        elif self._busy / seconds < MAX_BUSY:
            self.rate = min(self.rate * GROWTH, self.most)
        is_overloaded = self._slow >= max(self._requests * OVERLOADED_SHARE, OVERLOADED_REQUESTS)
        self.overloaded_seconds = self.overloaded_seconds + 1 if is_overloaded else 0
        self._requests, self._slow, self._busy = 0, 0, 0.0
        number, self._fraction = divmod(self.rate * seconds + self._fraction, 1)
        return int(number)
