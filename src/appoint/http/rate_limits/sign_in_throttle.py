"""Throttle sign-ins, so that guessing is slow and attackers cannot lock users out.

Attempts on an account are counted per network, so an attacker elsewhere only slows themselves down. Networks from which
no one has signed in to an account also share a count of all attempts on that account, and each has a count of its
attempts across all accounts. Browsers whose user has verified their address before are counted separately, because
phones keep changing networks. Existing and unknown accounts are counted in the same way, so responses do not
reveal which accounts exist.
"""

from datetime import datetime
from typing import Final

from ..dependencies import services_of
from ..request import Request
from .counters import Counters, Rate, rates
from .limits import refusal
from .networks import network_of, networks_of

FROM_ONE_NETWORK: Final = rates("5/minute; 10/10 minute; 20/hour; 50/day")
"""Per account. Each window takes longer to wait out than the one before."""
FROM_UNKNOWN_NETWORK: Final = rates("20/minute; 60/hour")
"""For all accounts that no one has signed in to from that network. Wider networks are allowed a multiple of it."""
FROM_UNKNOWN_NETWORKS: Final = rates("20/10 minute; 50/hour; 100/day")
"""Per account, across all networks that are unknown to it."""
KNOWN_DEVICE: Final = "known device"
"""Stands in for the network in attempts by browsers whose user has verified their address."""
KNOWN_NETWORK_RATE: Final = Rate(1, 60 * 24 * 60 * 60)


async def count_attempt(request: Request, *, account: str, is_known_device: bool = False, now: datetime) -> None:
    """Count an attempt before checking it, so that concurrent attempts count too. `account` is the submitted name,
    whether or not it exists. `is_known_device` says whether the browser's user has verified the address before.

    Raise `TooMany`, or `Unavailable` if the attempt cannot be counted.
    """
    limits = services_of(request).limits
    origin = KNOWN_DEVICE if is_known_device else network_of(request.user.address)
    await _count(limits.counters, "attempts", f"{account} {origin}", FROM_ONE_NETWORK, now)
    if not is_known_device and not await _is_known(limits.counters, account, origin, now):
        for network in networks_of(request.user.address):
            windows = tuple(network.limit(rate) for rate in FROM_UNKNOWN_NETWORK)
            await _count(limits.counters, "attempts-from-network", network.name, windows, now)
        await _count(limits.counters, "attempts-at-account", account, FROM_UNKNOWN_NETWORKS, now)


async def record_success(request: Request, *, account: str, is_known_device: bool = False, now: datetime) -> None:
    """After a successful sign-in, uncount the attempt and remember the network as a known one. `is_known_device` is the
    same as for the attempt."""
    limits = services_of(request).limits
    origin = network_of(request.user.address)
    source = KNOWN_DEVICE if is_known_device else origin
    await _undo(limits.counters, "attempts", f"{account} {source}", FROM_ONE_NETWORK, now)
    if not is_known_device and not await _is_known(limits.counters, account, origin, now):
        for network in networks_of(request.user.address):
            await _undo(limits.counters, "attempts-from-network", network.name, FROM_UNKNOWN_NETWORK, now)
        await _undo(limits.counters, "attempts-at-account", account, FROM_UNKNOWN_NETWORKS, now)
    await limits.counters.add("known", f"{account} {origin}", KNOWN_NETWORK_RATE, now)


async def _count(counters: Counters, name: str, who: str, windows: tuple[Rate, ...], now: datetime) -> None:
    """Count an attempt in each window. If one window refuses the attempt, the longer ones do not count it."""
    for rate in windows:
        quota = await counters.add(f"{name} {rate.seconds}", who, rate, now)
        if quota.is_over:
            raise refusal(name, quota)


async def _undo(counters: Counters, name: str, who: str, windows: tuple[Rate, ...], now: datetime) -> None:
    for rate in windows:
        await counters.add(f"{name} {rate.seconds}", who, rate, now, number=-1)


async def _is_known(counters: Counters, account: str, origin: str, now: datetime) -> bool:
    """Return whether someone has signed in to the account from this network in the current two-month window or the
    previous one.
    """
    for when in (now, now - KNOWN_NETWORK_RATE.length):
        if (await counters.count("known", f"{account} {origin}", KNOWN_NETWORK_RATE, when)).number:
            return True
    return False
