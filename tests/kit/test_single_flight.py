"""Callers who need a value at the same time share its computation."""

import asyncio

import pytest

from appoint.kit.single_flight import Hints, SingleFlight


class Source:
    """Computes values when a test lets it."""

    def __init__(self):
        self.computed = 0
        self.may_finish = asyncio.Event()
        self.error: Exception | None = None

    async def compute(self):
        self.computed += 1
        number = self.computed
        await self.may_finish.wait()
        if self.error:
            raise self.error
        return number


async def started(*calls):
    tasks = [asyncio.create_task(call) for call in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_simultaneous_callers_share_a_value_and_later_ones_get_a_new_one():
    flights, source = SingleFlight(), Source()
    tasks = await started(*(flights.run("a", source.compute) for _ in range(3)), flights.run("b", source.compute))
    source.may_finish.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1, 2]
    assert await flights.run("a", source.compute) == 3


async def test_everyone_who_waits_gets_the_same_error():
    flights, source = SingleFlight(), Source()
    source.error = ValueError("unreachable")
    tasks = await started(*(flights.run("a", source.compute) for _ in range(3)))
    source.may_finish.set()
    assert set(await asyncio.gather(*tasks, return_exceptions=True)) == {source.error}


async def test_if_the_first_caller_is_cancelled_another_takes_over():
    flights, source = SingleFlight(), Source()
    first, second, third = await started(*(flights.run("a", source.compute) for _ in range(3)))
    first.cancel()
    await asyncio.sleep(0)
    third.cancel()
    source.may_finish.set()
    assert await second == 2
    for each in (first, third):
        with pytest.raises(asyncio.CancelledError):
            await each


async def test_after_a_change_new_callers_do_not_share_the_old_value():
    flights, source = SingleFlight(), Source()
    (before,) = await started(flights.run("a", source.compute))
    flights.forget("a")
    (after,) = await started(flights.run("a", source.compute))
    source.may_finish.set()
    assert (await before, await after) == (1, 2)


@pytest.mark.parametrize(("seconds", "values"), [(60, [1, 1, 1]), (0, [1, 2, 3])])
async def test_hints_are_reused_only_if_they_may_be_out_of_date(seconds, values):
    hints, source = Hints(seconds), Source()
    source.may_finish.set()
    assert [await hints.get("a", source.compute) for _ in range(3)] == values
