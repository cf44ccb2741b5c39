"""How much callers may ask: per minute or hour, by who they are, where they come from and what they ask for. Clinics'
staff and the administrator ask as much as they need."""

import ipaddress
from functools import lru_cache
from typing import Any, Final

import litestar

from ...kit import clock, errors
from ...kit.actors import STAFF, Actor, Role
from ...kit.metrics import RATE_LIMITED
from ...settings import Settings
from ..routes import Route
from .counters import Counted, Counters, Rate, rates

WRONG_CREDENTIALS: Final = Rate(30, 60)
"""From one address, in each process."""
KNOWN_CREDENTIAL: Final = Rate(1, 24 * 60 * 60)


class Limits:
    """Reads and bookings go on when Redis is away, counted in each process; nobody signs in then."""

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self.counters: Final = counters
        self.on: Final = settings.rate_limits
        self.rates: Final = {
            name: rates(text)[0]
            for name, text in {
                "requests": settings.requests_rate,
                "search": settings.search_rate,
                "bookings": settings.bookings_rate,
                "registrations": settings.registrations_rate,
                "sign-in": settings.sign_in_rate,
                "signed-in": settings.signed_in_rate,
                "partner": settings.partner_rate,
            }.items()
        }

    async def admit(self, request: litestar.Request[Actor, Any, Any], caller: Actor, declared: Route) -> None:
        """Count the request, and note for its answer what is left. Raises `TooMany`; `Unavailable` for a sign-in that
        cannot be counted."""
        await self.count(request, caller, declared.limited_as)

    async def count(self, request: litestar.Request[Actor, Any, Any], caller: Actor, name: str) -> None:
        """The same for what the request turns out to be as well."""
        if not self.on or caller.administrator:
            return
        who, rate = caller.key, self.rates[name]
        for membership in caller.memberships:
            if membership.role in STAFF and name != "sign-in":
                return
            if membership.role is Role.PARTNER and name != "sign-in":
                name, rate = (
                    "partner",
                    Rate(caller.requests_per_minute, 60) if caller.requests_per_minute else self.rates["partner"],
                )
        if caller.is_anyone or name == "sign-in":
            who = network(caller.address)
        elif name == "requests":
            name, rate = "signed-in", self.rates["signed-in"]
        counted = await self._count(name, who, rate)
        request.scope["state"]["limit"] = shown(counted)
        if counted.is_over:
            raise refused(name, counted)

    async def _count(self, name: str, who: str, rate: Rate) -> Counted:
        now = clock.now()
        try:
            return await self.counters.add(name, who, rate, now)
        except errors.Unavailable:
            if name == "sign-in":
                raise
            return self.counters.add_here(name, who, rate, now)

    def expect_credential(self, address: str | None, token: str) -> None:
        """Raises `TooMany` before a credential is looked up, when its address has sent too many that were nobody's. One
        that has been somebody's is looked up all the same."""
        counted = self.counters.count_here("wrong credentials", network(address), WRONG_CREDENTIALS, clock.now())
        if (
            self.on
            and counted.number >= counted.rate.most
            and not self.counters.count_here("credential", token, KNOWN_CREDENTIAL, clock.now()).number
        ):
            raise refused("credentials", counted)

    def note_credential(self, address: str | None, token: str, caller: Actor | None) -> None:
        """It was somebody's, or nobody's."""
        if caller:
            self.counters.add_here("credential", token, KNOWN_CREDENTIAL, clock.now())
        else:
            self.counters.add_here("wrong credentials", network(address), WRONG_CREDENTIALS, clock.now())


def refused(name: str, counted: Counted) -> errors.TooMany:
    RATE_LIMITED.labels(name).inc()
    return errors.TooMany(retry_after_seconds=counted.left)


def shown(counted: Counted) -> list[tuple[bytes, bytes]]:
    """The headers that tell a caller what is left."""
    rate, number, left = counted
    return [
        (b"ratelimit-limit", b"%d" % rate.most),
        (b"ratelimit-remaining", b"%d" % max(rate.most - number, 0)),
        (b"ratelimit-reset", b"%d" % left),
        (b"ratelimit-policy", b"%d;w=%d" % (rate.most, rate.seconds)),
    ]


@lru_cache(10_000)
def network(address: str | None) -> str:
    """Who shares an address: of IPv6 the first 64 bits, since each caller has all of those."""
    if not address or ":" not in address:
        return address or ""
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False).network_address)
