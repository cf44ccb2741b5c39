"""Attempts to sign in, so that guessing is slow and nobody can lock others out.

An account's attempts are counted by where they come from: who guesses from elsewhere slows down themselves. Only
networks from which an account was never signed in to share a count of all attempts at that account, and of all accounts
tried from one network. Accounts that there are and that there are not are counted alike, so that nothing tells them
apart.
"""

from datetime import datetime
from typing import Final

from ..request import Request
from ..services import services_of
from .counters import Counters, Rate, rates
from .limits import network, refused

FROM_ONE_NETWORK: Final = rates("5/minute; 10/10 minute; 20/hour; 50/day")
"""At one account. Each window is longer to wait for than the one before."""
FROM_UNKNOWN_NETWORK: Final = rates("20/minute; 60/hour")
"""At all accounts that were never signed in to from it."""
FROM_UNKNOWN_NETWORKS: Final = rates("20/10 minute; 50/hour; 100/day")
"""At one account."""
REMEMBERED: Final = Rate(1, 60 * 24 * 60 * 60)


async def admit(request: Request, *, account: str, now: datetime) -> None:
    """Count an attempt before anything is compared, so that many at once are counted too. `account` is what was typed,
    whether or not it is one's.

    Raises `TooMany`, and `Unavailable` when it cannot be counted.
    """
    limits = services_of(request).limits
    origin = network(request.user.address)
    await _count(limits.counters, "attempts", f"{account} {origin}", FROM_ONE_NETWORK, now)
    if not await _knows(limits.counters, account, origin, now):
        await _count(limits.counters, "attempts-from-network", origin, FROM_UNKNOWN_NETWORK, now)
        await _count(limits.counters, "attempts-at-account", account, FROM_UNKNOWN_NETWORKS, now)


async def succeeded(request: Request, *, account: str, now: datetime) -> None:
    """It was no guess: take it back, and remember from where."""
    limits = services_of(request).limits
    origin = network(request.user.address)
    await _take_back(limits.counters, "attempts", f"{account} {origin}", FROM_ONE_NETWORK, now)
    if not await _knows(limits.counters, account, origin, now):
        await _take_back(limits.counters, "attempts-from-network", origin, FROM_UNKNOWN_NETWORK, now)
        await _take_back(limits.counters, "attempts-at-account", account, FROM_UNKNOWN_NETWORKS, now)
    await limits.counters.add("known", f"{account} {origin}", REMEMBERED, now)


async def _count(counters: Counters, name: str, who: str, windows: tuple[Rate, ...], now: datetime) -> None:
    """What one window refuses is not counted in the longer ones."""
    for rate in windows:
        counted = await counters.add(f"{name} {rate.seconds}", who, rate, now)
        if counted.is_over:
            raise refused(name, counted)


async def _take_back(counters: Counters, name: str, who: str, windows: tuple[Rate, ...], now: datetime) -> None:
    for rate in windows:
        await counters.add(f"{name} {rate.seconds}", who, rate, now, number=-1)


async def _knows(counters: Counters, account: str, origin: str, now: datetime) -> bool:
    """Whether somebody signed in to the account from there in this window of two months or the one before."""
    for when in (now, now - REMEMBERED.length):
        if (await counters.count("known", f"{account} {origin}", REMEMBERED, when)).number:
            return True
    return False
