"""Record failed sign-ins and refused access.

Refusals are entries like any other, but attackers can cause them. Their number is therefore limited, and they contain
nothing that a caller can choose: no account name, no id from the request, and no request id.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import litestar
import structlog

from ..database.pool import Statements
from ..http.access import WAS_REFUSED
from ..http.dependencies import services_of
from ..http.rate_limits.counters import Counters, Rate
from ..http.rate_limits.limits import network_of
from ..http.request import clinic_of
from ..kit import errors
from ..kit.actors import Actor
from ..kit.ids import PLATFORM
from .repository import entries

log = structlog.get_logger()

AnyRequest = litestar.Request[Actor, Any, Any]

RefusedAction = Literal["signInFailed", "signInUnfinished", "passwordRefused", "credentialRefused", "accessRefused"]
REFUSED_ACTIONS: Final = (
    "signInFailed",
    "signInUnfinished",
    "passwordRefused",
    "credentialRefused",
    "accessRefused",
    "signInCodeRefused",
)
OMISSION_ACTION: Final = "refusalsOmitted"
"""The action of the entry that stands for all refusals beyond a bound, until its window ends."""
PER_CALLER: Final = Rate(20, 60 * 60)
"""The bound for an account whose sign-ins fail, or for a caller whose access is refused."""
PER_NETWORK: Final = Rate(60, 60 * 60)
PER_CLINIC: Final = Rate(500, 60 * 60)
"""The bound for a clinic, or for the platform."""


class Refusals:
    """Records refusals, up to bounds that each server process counts separately."""

    def __init__(self, counters: Counters, now: Callable[[], datetime]) -> None:
        self._counters: Final = counters
        self._now: Final = now

    async def record(
        self,
        db: Statements,
        actor: Actor,
        action: RefusedAction,
        *,
        outcome: str,
        clinic_ids: Iterable[int] = (),
        subjects: Iterable[UUID] = (),
        who: str | None = None,
    ) -> None:
        """Write an entry to the platform's audit log and the clinics'.

        `who` identifies the caller for the bounds; by default, it is the actor. `outcome` gives the reason and never
        contains text from the request. Runs the same statement whether or not the account exists, so that timing
        reveals nothing.
        """
        counts = [
            self._count("caller", who or actor.key, PER_CALLER),
            self._count("network", network_of(actor.address), PER_NETWORK),
        ]
        if max(counts) > 1:
            return
        clinics = {
            clinic_id: self._count("clinic", str(clinic_id), PER_CLINIC) for clinic_id in {PLATFORM, *clinic_ids}
        }
        await entries.insert_refusals(
            db,
            clinic_ids=[clinic_id for clinic_id, excess in clinics.items() if excess <= 1],
            actor=actor.key,
            action=OMISSION_ACTION if 1 in (*counts, *clinics.values()) else action,
            subjects=[str(subject) for subject in subjects],
            address=actor.address,
            reason=outcome,
        )

    def _count(self, name: str, who: str, rate: Rate) -> int:
        """Count a refusal. Return the number of refusals beyond the bound, or 0 if it has not been exceeded."""
        quota = self._counters.add_here(f"audited refusals {name}", who, rate, self._now())
        return max(quota.number - rate.most, 0)


async def record_refused_access(request: AnyRequest) -> None:
    """Record that the guard refused this request, for the caller's clinics and for the clinic that the request names.
    Runs after the response.
    """
    if not request.scope["state"].get(WAS_REFUSED):
        return
    actor, target = request.user, clinic_of(request)
    try:
        await (
            services_of(request)
            .get(Refusals)
            .record(
                services_of(request).db,
                actor,
                "accessRefused",
                outcome=actor.operation,
                clinic_ids=[
                    *(membership.clinic_id for membership in actor.memberships),
                    *actor.outside,
                    *actor.unprotected,
                    *([target] if target else []),
                ],
            )
        )
    except errors.Unavailable:
        log.warning("refused access not recorded", operation=actor.operation)
