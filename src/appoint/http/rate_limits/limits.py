"""Rate limits per caller, network and kind of request. They do not apply to clinic staff or the administrator."""

from collections.abc import Iterable
from typing import Any, Final

import litestar

from ...kit import clock, errors
from ...kit.actors import STAFF, Actor, Role
from ...kit.metrics import RATE_LIMITED
from ...settings import Settings
from ..routes import Route
from .counters import Counters, Quota, Rate, rates
from .networks import network_of, networks_of

INVALID_CREDENTIALS_RATE: Final = Rate(30, 60)
"""Per address and process."""
KNOWN_CREDENTIAL_RATE: Final = Rate(1, 24 * 60 * 60)
WIDE_NETWORK_FACTOR: Final = {"requests": 4, "search": 4}
"""The factors by which some limits for a wide network exceed the combined limits of the callers it is assumed to
contain. Reading is cheap, and a mobile operator's customers share a small number of addresses.
"""


class Limits:
    """The rate limits. While Redis is unreachable, each process keeps its own count of reads and bookings, and refuses
    sign-ins.
    """

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
                "recipients": settings.recipients_rate,
                "sign-in": settings.sign_in_rate,
                "signed-in": settings.signed_in_rate,
                "partner": settings.partner_rate,
                "monitoring": settings.monitoring_rate,
                "callbacks": settings.callbacks_rate,
                "lookups": settings.lookups_rate,
                "tickets": settings.tickets_rate,
            }.items()
        }

    async def admit(self, request: litestar.Request[Actor, Any, Any], caller: Actor, declared: Route) -> None:
        """Count the request and store the remaining quota for the response headers. Raise `TooMany`, or `Unavailable`
        if a sign-in cannot be counted.
        """
        await self.count(request, caller, declared.limited_as)

    async def count(
        self, request: litestar.Request[Actor, Any, Any], caller: Actor, name: str, *, number: int = 1
    ) -> None:
        """Count a request against the named limit, as `number` requests. Handlers call this directly when the limit
        depends on the decoded body.
        """
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
            quota = await self._count_networks(name, caller.address, rate, number)
        else:
            if name == "requests":
                name, rate = "signed-in", self.rates["signed-in"]
            quota = await self._count(name, who, rate, number)
        request.scope["state"]["limit"] = quota_headers(quota)
        if quota.is_over:
            raise refusal(name, quota)

    async def count_lookup(self, request: litestar.Request[Actor, Any, Any], caller: Actor) -> None:
        """Count a search for people by their address. Unlike the other limits, this one applies to staff and partners
        too, so that no one can look up the owners of thousands of addresses.
        """
        if not self.on or caller.administrator:
            return
        quota = await self._count("lookups", caller.key, self.rates["lookups"], 1)
        request.scope["state"]["limit"] = quota_headers(quota)
        if quota.is_over:
            raise refusal("lookups", quota)

    async def count_ticket(self, address: str | None) -> None:
        """Count a new ticket for a queue. Raise `TooMany` if the network has taken too many, so that no one can hold
        most of the places."""
        if not self.on:
            return
        quota = await self._count_networks("tickets", address, self.rates["tickets"], 1)
        if quota.is_over:
            raise refusal("tickets", quota)

    async def count_recipients(self, caller: Actor, addresses: Iterable[str | None]) -> None:
        """Count the email addresses and phone numbers that a stranger names, each once per network and window. Raise
        `TooMany` for the first one over the limit, so that one caller cannot make Appoint write to many people.
        """
        if not self.on or not caller.is_anyone:
            return
        rate, own = self.rates["recipients"], networks_of(caller.address)[0]
        for address in filter(None, addresses):
            pair = f"{own.name} {address.lower()}"
            if (await self._count("recipient", pair, rate, 0)).number:
                continue
            quota = await self._count_networks("recipients", caller.address, rate, 1)
            if quota.is_over:
                raise refusal("recipients", quota)
            await self._count("recipient", pair, rate, 1)

    async def _count_networks(self, name: str, address: str | None, rate: Rate, number: int) -> Quota:
        """Count the request for the caller's own network and the wider ones that contain it. Return the first quota
        that is exceeded, or else the caller's own.
        """
        own, *wider = networks_of(address)
        quota = await self._count(name, own.name, rate, number)
        factor = WIDE_NETWORK_FACTOR.get(name, 1)
        for network in wider:
            if quota.is_over:
                break
            shared = await self._count(name, network.name, network.limit(rate, factor), number)
            quota = shared if shared.is_over else quota
        return quota

    async def _count(self, name: str, who: str, rate: Rate, number: int) -> Quota:
        now = clock.now()
        try:
            return await self.counters.add(name, who, rate, now, number=number)
        except errors.Unavailable:
            if name == "sign-in":
                raise
            return self.counters.add_here(name, who, rate, now, number=number)

    def expect_credential(self, address: str | None, token: str) -> None:
        """Raise `TooMany` before a credential is looked up if its sender's address has sent too many invalid ones.
        Credentials that were valid recently are still looked up.
        """
        quota = self.counters.count_here(
            "wrong credentials", network_of(address), INVALID_CREDENTIALS_RATE, clock.now()
        )
        if (
            self.on
            and quota.number >= quota.rate.most
            and not self.counters.count_here("credential", token, KNOWN_CREDENTIAL_RATE, clock.now()).number
        ):
            raise refusal("credentials", quota)

    def note_credential(self, address: str | None, token: str, caller: Actor | None) -> None:
        """Record whether the credential was valid."""
        if caller:
            self.counters.add_here("credential", token, KNOWN_CREDENTIAL_RATE, clock.now())
        else:
            self.counters.add_here("wrong credentials", network_of(address), INVALID_CREDENTIALS_RATE, clock.now())


def refusal(name: str, quota: Quota) -> errors.TooMany:
    RATE_LIMITED.labels(name).inc()
    return errors.TooMany(retry_after_seconds=quota.seconds_left)


def quota_headers(quota: Quota) -> list[tuple[bytes, bytes]]:
    """Return headers that state the remaining quota."""
    rate, number, seconds_left = quota
    return [
        (b"ratelimit-limit", b"%d" % rate.most),
        (b"ratelimit-remaining", b"%d" % max(rate.most - number, 0)),
        (b"ratelimit-reset", b"%d" % seconds_left),
        (b"ratelimit-policy", b"%d;w=%d" % (rate.most, rate.seconds)),
    ]
