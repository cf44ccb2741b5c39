"""Values that are reused for a second, unless this process changes what they depend on."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

import pytest

from appoint.kit import recent_values
from appoint.kit.recent_values import Change, Computed, RecentValues, Scope

DAY = date(2027, 3, 1)
DR_SHAH, DR_OKAFOR = UUID(int=1), UUID(int=2)
OF_DOCTOR = Scope(1, DR_SHAH, DAY, DAY)
OF_CLINIC = Scope(1, None, DAY, DAY)


class Counter:
    """Computes 1, 2, 3, …"""

    def __init__(self, *, last=DAY, size=10):
        self.count, self.last, self.size = 0, last, size

    async def __call__(self):
        self.count += 1
        return Computed(self.count, self.size, self.last)


@pytest.fixture
def values():
    return RecentValues(60)


async def test_a_value_is_reused(values):
    compute = Counter()
    assert [await values.get(OF_DOCTOR, "free", compute) for _ in range(3)] == [1, 1, 1]
    assert await values.get(OF_DOCTOR, "all", compute) == 2
    assert await values.get(OF_CLINIC, "free", compute) == 3


async def test_a_value_expires(monkeypatch):
    now = 100.0
    monkeypatch.setattr(recent_values, "monotonic", lambda: now)
    values, compute = RecentValues(1), Counter()
    assert await values.get(OF_DOCTOR, "free", compute) == 1
    now = 100.9
    assert await values.get(OF_DOCTOR, "free", compute) == 1
    now = 101.0
    assert await values.get(OF_DOCTOR, "free", compute) == 2


async def test_nothing_is_reused_if_the_time_is_zero():
    values, compute = RecentValues(0), Counter()
    assert [await values.get(OF_DOCTOR, "free", compute) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("scope", "last", "change", "is_dropped"),
    [
        (OF_DOCTOR, DAY, Change(1, DR_SHAH, DAY), True),
        (OF_DOCTOR, DAY, Change(1, DR_OKAFOR, DAY), False),
        (OF_CLINIC, DAY, Change(1, DR_OKAFOR, DAY), True),
        (OF_DOCTOR, DAY, Change(2, DR_SHAH, DAY), False),
        (OF_DOCTOR, DAY, Change(1, DR_SHAH, DAY + timedelta(days=1)), True),  # buffers, and the time zone
        (OF_DOCTOR, DAY, Change(1, DR_SHAH, DAY + timedelta(days=2)), False),
        (OF_DOCTOR, DAY, Change(1, DR_SHAH, DAY - timedelta(days=2)), False),
        (OF_DOCTOR, date.max, Change(1, DR_SHAH, DAY + timedelta(days=50)), True),
        (OF_DOCTOR, DAY, Change(1), True),
        (OF_CLINIC, DAY, Change(1, DR_SHAH), True),
        (OF_DOCTOR, DAY, Change(2), False),
        (OF_DOCTOR, DAY, Change(), True),
    ],
)
async def test_a_change_drops_what_it_affects(values, scope, last, change, is_dropped):
    compute = Counter(last=last)
    await values.get(scope, "free", compute)
    values.forget(change)
    assert await values.get(scope, "free", compute) == (2 if is_dropped else 1)


@pytest.mark.parametrize(
    ("change", "is_reused"), [(Change(1, DR_SHAH, DAY), False), (Change(), False), (Change(2), True)]
)
async def test_a_value_that_becomes_outdated_while_it_is_computed_is_not_reused(values, change, is_reused):
    computing, may_finish = asyncio.Event(), asyncio.Event()

    async def compute():
        computing.set()
        await may_finish.wait()
        return Computed("before", 10, DAY)

    first = asyncio.create_task(values.get(OF_DOCTOR, "free", compute))
    await computing.wait()
    values.forget(change)
    may_finish.set()
    assert await first == "before"
    assert await values.get(OF_DOCTOR, "free", Counter()) == ("before" if is_reused else 1)


async def test_errors_are_not_reused(values):
    async def fail():
        raise LookupError

    with pytest.raises(LookupError):
        await values.get(OF_DOCTOR, "free", fail)
    assert await values.get(OF_DOCTOR, "free", Counter()) == 1


async def test_memory_is_bounded(values, monkeypatch):
    monkeypatch.setattr(recent_values, "MAX_BYTES", 10_000)
    for number in range(1000):
        await values.get(OF_DOCTOR, number, Counter(size=1000))
    assert sum(map(len, values._entries.values())) < 10
