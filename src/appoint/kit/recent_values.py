"""Values that are computed from a clinic's appointments and hours, and reused for a second.

A process drops what its own changes affect at once. Changes by other processes show after a second at most, so nothing
has to be sent between processes.
"""

from collections.abc import Awaitable, Callable, Hashable
from datetime import date, timedelta
from time import monotonic
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

from .single_flight import SingleFlight

T = TypeVar("T")

MAX_BYTES: Final = 32 * 1024 * 1024
"""How much a process stores before it drops all values, including those that have expired."""
ENTRY_BYTES: Final = 500
"""What an entry takes up in addition to its value."""
DROPPED: Final = float("-inf")
"""When a value that has been dropped expires, for those who still have its entry."""
MARGIN: Final = timedelta(days=1)
"""A change affects the days next to its own: buffers can reach across midnight, and dates depend on the time zone."""


class Scope(NamedTuple):
    """The changes that a value depends on."""

    clinic_id: int
    doctor_id: UUID | None
    """None for all doctors."""
    first: date
    last: date


class Change(NamedTuple):
    """A change at one clinic or, if there is no id, anywhere."""

    clinic_id: int | None = None
    doctor_id: UUID | None = None
    """None if any doctor's time may have changed."""
    day: date | None = None
    """None if any day may have changed."""

    def affects(self, scope: Scope) -> bool:
        return (
            self.clinic_id in (None, scope.clinic_id)
            and (self.doctor_id is None or scope.doctor_id in (None, self.doctor_id))
            and (self.day is None or scope.first - MARGIN <= self.day <= _day_after(scope.last))
        )


class Computed(NamedTuple, Generic[T]):
    value: T
    size: int
    """In bytes."""
    last: date
    """The last day that the value depends on. `date.max` if it depends on all later days."""


class _Entry:
    def __init__(self, computed: Computed[Any], scope: Scope, expires: float) -> None:
        self.computed: Final = computed
        self.scope: Final = scope
        self.expires = expires


class _Load:
    """A value that is being computed, and whether it is already outdated."""

    def __init__(self, scope: Scope, key: Hashable) -> None:
        self.scope: Final = scope
        self.key: Final = key
        self.is_outdated = False


class RecentValues:
    def __init__(self, seconds: float) -> None:
        """`seconds` is how long values are reused; with 0, they are always computed."""
        self.seconds = seconds
        self._entries: dict[int, dict[Hashable, _Entry]] = {}
        self._addresses: dict[bytes, tuple[_Entry, object]] = {}
        self._loads: set[_Load] = set()
        self._flights: Final = SingleFlight()
        self._bytes = 0

    async def get(self, scope: Scope, key: Hashable, compute: Callable[[], Awaitable[Computed[T]]]) -> T:
        """Return the value with this scope and key. If there is none from the last second, compute it, once for all who
        ask for it at the same time."""
        if not self.seconds:
            return (await compute()).value
        entry = self._entries.get(scope.clinic_id, {}).get((scope, key))
        if entry and entry.expires > monotonic():
            return entry.computed.value
        return await self._flights.run((scope, key), lambda: self._load(scope, key, compute))

    async def _load(self, scope: Scope, key: Hashable, compute: Callable[[], Awaitable[Computed[T]]]) -> T:
        now = monotonic()
        load = _Load(scope._replace(last=date.max), (scope, key))
        self._loads.add(load)
        try:
            computed = await compute()
        finally:
            self._loads.discard(load)
        if not load.is_outdated:
            self._store((scope, key), _Entry(computed, scope._replace(last=computed.last), now + self.seconds))
        return computed.value

    def remember_address(self, address: bytes, scope: Scope, key: Hashable, detail: object) -> None:
        """Let `find` find the value with this scope and key by its address, together with a detail, until the value is
        dropped."""
        entry = self._entries.get(scope.clinic_id, {}).get((scope, key))
        if entry and address not in self._addresses:
            self._bytes += len(address) + ENTRY_BYTES
        if entry:
            self._addresses[address] = entry, detail

    def find(self, address: bytes) -> tuple[object, object] | None:
        """Return the value with this address, and its detail, if it is still current."""
        stored = self._addresses.get(address)
        if stored is None:
            return None
        entry, detail = stored
        if entry.expires > monotonic():
            return entry.computed.value, detail
        del self._addresses[address]
        return None

    def _store(self, key: Hashable, entry: _Entry) -> None:
        if self._bytes > MAX_BYTES:
            self._clear()
        self._entries.setdefault(entry.scope.clinic_id, {})[key] = entry
        self._bytes += entry.computed.size + ENTRY_BYTES

    def forget(self, change: Change) -> None:
        """Drop the values that a change affects, including those that are still being computed."""
        for load in self._loads:
            if change.affects(load.scope):
                load.is_outdated = True
                self._flights.forget(load.key)
        if change.clinic_id is None:
            self._clear()
            return
        of_clinic = self._entries.get(change.clinic_id, {})
        for key in [key for key, entry in of_clinic.items() if change.affects(entry.scope)]:
            of_clinic.pop(key).expires = DROPPED

    def _clear(self) -> None:
        self._entries.clear()
        self._addresses.clear()
        self._bytes = 0


def _day_after(day: date) -> date:
    return day if day == date.max else day + MARGIN
