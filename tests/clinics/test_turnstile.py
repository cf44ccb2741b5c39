"""Visitors who are waiting are served a few at a time, between other requests."""

import asyncio

from appoint.clinics.queues import turnstile
from appoint.clinics.queues.turnstile import PER_ROUND, Turnstile


async def test_in_each_round_only_a_few_visitors_are_served_in_the_order_they_came():
    entrance, served, rounds = Turnstile(), [], []

    async def visit(number):
        await entrance.enter()
        served.append(number)

    visits = [asyncio.create_task(visit(number)) for number in range(100)]
    visits[40].cancel()
    while len(served) < 99:
        before = len(served)
        await asyncio.sleep(0)
        rounds.append(len(served) - before)
    assert served == [number for number in range(100) if number != 40]
    assert max(rounds) <= 2 * PER_ROUND, "visitors of one round can be served at the start of the next"
    await asyncio.sleep(0)
    await entrance.enter()


async def test_if_very_many_are_waiting_the_next_ones_are_served_at_once(monkeypatch):
    monkeypatch.setattr(turnstile, "MAX_WAITING", 5)
    entrance, served = Turnstile(), 0

    async def visit():
        nonlocal served
        await entrance.enter()
        served += 1

    visits = [asyncio.create_task(visit()) for _ in range(PER_ROUND + 5 + 10)]
    await asyncio.sleep(0)
    assert served >= PER_ROUND + 10
    await asyncio.gather(*visits)
