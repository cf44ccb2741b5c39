"""How many visitors a process lets in per second: more while its responses are fast, and fewer when they are not.

Each process measures only itself. Together they advance the queue by the sum of their paces, and issue passes at no
more than the sum of their peaks.
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
USED_SHARE: Final = 0.5
"""The share of the pace that visitors have to use for it to increase. Otherwise, nothing shows what the process could
take."""
PEAK: Final = 1.5
"""How many passes a process issues at most, as a multiple of the pace, when visitors come in bursts."""
BURST_SECONDS: Final = 0.25
BURST: Final = 5
"""How many passes a process can issue at once: those of this many seconds at its peak, but at least this number."""
MEMORY_SECONDS: Final = 30.0
"""Over how long a process compares the visitors it has let in with those who have come."""
MIN_SHARE: Final = 0.2
"""If a smaller share of the visitors than this come when it is their turn, no more are let in for it."""
OVERLOADED_SHARE: Final = 0.3
OVERLOADED_REQUESTS: Final = 10
"""The number of slow requests in a second below which a process does not count as overloaded."""
OVERLOADED_SECONDS: Final = 3
"""How many consecutive seconds make an overload."""


class Pace:
    def __init__(self, most: float) -> None:
        """`most` limits the passes per second."""
        self.most: Final = most
        self.rate = min(START, most)
        """How many passes per second the process means to issue."""
        self.overloaded_seconds = 0
        self._requests = 0
        self._slow = 0
        self._busy = 0.0
        self._passes = 0
        self._turned_away = 0
        self._next_pass = 0.0
        """When the next pass would be due if all were issued evenly at the peak."""
        self._let_in = self._came = self.rate
        """How many visitors per second have recently been let in, and have come."""
        self._fraction = 0.0

    @property
    def is_overloaded(self) -> bool:
        return self.overloaded_seconds >= OVERLOADED_SECONDS

    def observe(self, seconds: float, *, failed: bool) -> None:
        """Count a request that the booking pages or the API answered."""
        self._requests += 1
        self._slow += failed or seconds > SLOW_SECONDS
        self._busy += seconds

    def allows_pass(self, now: float) -> bool:
        """Return whether a visitor whose turn it is can have their pass now, at `now` seconds of a steady clock.
        Otherwise, too many others have just come, and the visitor has to try again shortly."""
        peak = min(self.rate * PEAK, self.most)
        if self._next_pass > now + max(BURST_SECONDS, (BURST - 1) / peak):
            self._turned_away += 1
            return False
        self._next_pass = max(self._next_pass, now) + 1 / peak
        self._passes += 1
        return True

    def advance(self, seconds: float, *, lag: float, has_waiting: bool) -> int:
        """Return how many visitors to let in for the last `seconds`, and adjust the pace to what happened in that
        time. `has_waiting` is whether any visitor is waiting for their turn."""
        is_used = self._passes + self._turned_away >= self.rate * seconds * USED_SHARE
        if lag > MAX_LAG_SECONDS or self._slow > max(self._requests * SLOW_SHARE, 1):
            self.rate = max(self.rate * REDUCTION, MIN)
        elif is_used and self._busy / seconds < MAX_BUSY:
            self.rate = min(self.rate * GROWTH, self.most)
        is_overloaded = self._slow >= max(self._requests * OVERLOADED_SHARE, OVERLOADED_REQUESTS)
        self.overloaded_seconds = self.overloaded_seconds + 1 if is_overloaded else 0
        number = self._number_to_let_in(seconds, has_waiting=has_waiting)
        self._requests, self._slow, self._busy, self._passes, self._turned_away = 0, 0, 0.0, 0, 0
        whole, self._fraction = divmod(number + self._fraction, 1)
        return int(whole)

    def _number_to_let_in(self, seconds: float, *, has_waiting: bool) -> float:
        """Return enough visitors for the pace, even if some of them do not come, but fewer while others whose turn has
        come are being turned away."""
        if not has_waiting:  # everyone is let in, so no one who has left takes another's turn
            self._let_in = self._came = self.rate
            return self.rate * seconds
        share = min(max(self._came / self._let_in, MIN_SHARE), 1) if self._let_in else 1
        number = max(self.rate * seconds / share - self._turned_away, 0.0)
        weight = min(seconds / MEMORY_SECONDS, 1)
        self._let_in += weight * (number / seconds - self._let_in)
        self._came += weight * (self._passes / seconds - self._came)
        return number
