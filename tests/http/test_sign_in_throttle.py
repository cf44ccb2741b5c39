"""Repeated guesses at passwords and codes have to wait longer and longer, but never lock out the account's owner."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

from appoint.http.rate_limits import sign_in_throttle
from appoint.http.rate_limits.counters import Counters
from appoint.http.rate_limits.limits import Limits
from appoint.kit import errors
from appoint.kit.actors import Actor
from support.app import settings
from support.rate_limits import NINE


def request_from(counters: Counters, address: str):
    """Return a stand-in for a request from the address, with only the parts that the throttle reads."""
    limits = Limits(settings(), counters)
    return SimpleNamespace(
        app=SimpleNamespace(state={"services": SimpleNamespace(limits=limits)}),
        user=Actor("open:1", address=address),
    )


async def attempt(counters, address, account, now) -> int:
    """Attempt to sign in. Return the seconds to wait, or 0 if the attempt is admitted."""
    try:
        await sign_in_throttle.count_attempt(request_from(counters, address), account=account, now=now)
    except errors.TooMany as refusal:
        return refusal.retry_after_seconds
    return 0


async def test_repeated_guesses_wait_longer_and_longer():
    counters = Counters(None, "secret")
    admissions, now = [], NINE
    for _ in range(100):
        seconds = await attempt(counters, "192.0.2.1", "ana@example.org", now)
        if not seconds:
            admissions.append(now)
        now += timedelta(seconds=seconds or 1)

    def admitted_within(length: timedelta) -> int:
        return sum(at < NINE + length for at in admissions)

    assert (
        admitted_within(timedelta(minutes=1)),
        admitted_within(timedelta(minutes=10)),
        admitted_within(timedelta(hours=1)),
        admitted_within(timedelta(hours=15)),
    ) == (5, 10, 20, 50)


async def test_concurrent_guesses_are_all_counted():
    counters = Counters(None, "secret")
    assert (
        sorted(await asyncio.gather(*(attempt(counters, "192.0.2.1", "ana@example.org", NINE) for _ in range(20))))
        == [0] * 5 + [60] * 15
    )


async def test_guessing_does_not_lock_out_the_account_owner_or_others():
    counters = Counters(None, "secret")
    await sign_in_throttle.record_success(
        request_from(counters, "198.51.100.1"), account="ana@example.org", now=NINE - timedelta(days=3)
    )
    for number in range(300):  # from many addresses
        await attempt(counters, f"192.0.2.{number % 250}", "ana@example.org", NINE)
    assert (
        await attempt(counters, "203.0.113.1", "ana@example.org", NINE) > 0
    )  # a network from which she has never signed in
    assert await attempt(counters, "198.51.100.1", "ana@example.org", NINE) == 0
    assert await attempt(counters, "203.0.113.1", "ben@example.org", NINE) == 0


async def test_trying_many_accounts_from_one_network_slows_only_new_users_there():
    counters = Counters(None, "secret")
    assert await attempt(counters, "192.0.2.1", "ana@example.org", NINE) == 0
    await sign_in_throttle.record_success(request_from(counters, "192.0.2.1"), account="ana@example.org", now=NINE)
    waited = [await attempt(counters, "192.0.2.1", f"{n}@example.org", NINE) for n in range(100)]
    assert waited == [0] * 20 + [60] * 80
    assert await attempt(counters, "192.0.2.1", "ana@example.org", NINE) == 0


async def test_a_successful_sign_in_does_not_count_as_a_guess():
    counters = Counters(None, "secret")
    for _ in range(30):
        assert await attempt(counters, "192.0.2.1", "ana@example.org", NINE) == 0
        await sign_in_throttle.record_success(request_from(counters, "192.0.2.1"), account="ana@example.org", now=NINE)


async def test_a_known_network_expires_between_two_and_four_months():
    counters = Counters(None, "secret")
    await sign_in_throttle.record_success(request_from(counters, "192.0.2.1"), account="ana@example.org", now=NINE)
    assert [
        await sign_in_throttle._is_known(counters, "ana@example.org", "192.0.2.1", NINE + timedelta(days=days))
        for days in (0, 60, 121)
    ] == [True, True, False]


async def test_a_known_device_is_not_locked_out_by_guesses_from_other_networks():
    """Phones keep changing networks, so their owner often signs in from an unfamiliar one."""
    counters = Counters(None, "secret")
    for number in range(300):
        await attempt(counters, f"192.0.2.{number % 250}", "ana@example.org", NINE)
    assert await attempt(counters, "203.0.113.1", "ana@example.org", NINE) > 0
    request = request_from(counters, "203.0.113.1")
    await sign_in_throttle.count_attempt(request, account="ana@example.org", is_known_device=True, now=NINE)


async def test_attempts_by_a_known_device_are_limited_wherever_it_is():
    counters = Counters(None, "secret")
    admitted = 0
    for number in range(20):
        request = request_from(counters, f"203.0.113.{number}")
        try:
            await sign_in_throttle.count_attempt(request, account="ana@example.org", is_known_device=True, now=NINE)
        except errors.TooMany:
            continue
        admitted += 1
    assert admitted == 5


async def test_a_successful_sign_in_on_a_known_device_does_not_count():
    counters = Counters(None, "secret")
    for number in range(10):
        request = request_from(counters, f"203.0.113.{number}")
        await sign_in_throttle.count_attempt(request, account="ana@example.org", is_known_device=True, now=NINE)
        await sign_in_throttle.record_success(request, account="ana@example.org", is_known_device=True, now=NINE)
