"""Look for a free time in half a day. If there is none, explain why, at little cost: in a rush, most requests are
refused, because everything is taken."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from ..clinics.catalogue.service import Stale
from ..database.pool import Statements
from ..kit import errors
from ..kit.cache import ClinicCache
from . import repository
from .alternatives import Alternative
from .availability import service as availability
from .availability.model import OfferedTime, Range, nearest, starts
from .half_days import HalfDay, first_free
from .planning import BookingPlan
from .refusals import CustomerSchedule, is_joined, refuse_unreachable
from .time_rules import AppointmentSpec, limit_violation, overlaps

MAX_NEAREST: Final = 50
"""How many free times near a half day are remembered for a second, from which each patient gets those that suit them.
"""


async def find_first_free(db: Statements, plan: BookingPlan, busy: Sequence[Range]) -> OfferedTime | None:
    """Return the first free time in the plan's half day that does not overlap the patient's own appointments. Raise
    `Stale` if the catalogue is."""
    spec, half_day = _request(plan)
    times = await availability.load_day(db, plan.catalogue, doctors=spec.candidates, type=spec.type, day=half_day.date)
    return first_free(half_day, times, spec.length, plan.terms, busy)


async def refuse(db: Statements, cache: ClinicCache, plan: BookingPlan, customer: CustomerSchedule) -> errors.Conflict:
    """Return why the plan's half day, which has no free time for the patient, is refused. Alternatives may be a second
    out of date."""
    spec, half_day = _request(plan)
    if limit := await repository.exceeded_stranger_bound(db, plan):
        return errors.Conflict("too-many-bookings", alternatives=[], limit=limit)
    if plan.needs_code and (refusal := await refuse_unreachable(db, plan)):
        return refusal.conflict
    discreet = plan.discreet or await is_joined(db, plan)
    if plan.limits and not discreet and (limit := limit_violation(spec, plan.limits, customer.upcoming)):
        return errors.Conflict(limit, alternatives=[])
    offers = await _find_nearest(db, cache, plan)
    zone = plan.catalogue.time_zone
    busy = () if discreet else customer.busy
    free = [
        offer
        for offer in offers
        # whatever the reason is, a discreet refusal looks as if others had taken the whole half day
        if not half_day.contains(offer.start_time, zone) and not overlaps(busy, offer.start_time, offer.end_time)
    ]
    alternatives = [Alternative(each.start_time, each.end_time, each.doctor_id) for each in free[:5]]
    return errors.Conflict("taken", alternatives=alternatives)


async def _find_nearest(db: Statements, cache: ClinicCache, plan: BookingPlan) -> list[OfferedTime]:
    """Return free times near a half day, nearest first. They are reused for a second, for all patients."""
    spec, half_day = _request(plan)
    catalogue = plan.catalogue

    async def compute() -> list[OfferedTime]:
        times = await availability.load_around(db, catalogue, doctors=spec.candidates, day=half_day.date)
        if times is None:
            raise Stale
        offers = chain.from_iterable(starts(time, spec.length, plan.terms) for time in times)
        return nearest([offer for _, offer in offers if offer.available], spec.start, limit=MAX_NEAREST)

    doctors = tuple(doctor.id for doctor in spec.candidates)
    key = (catalogue.clinic_id, catalogue.version, half_day, spec.length, spec.is_bound, doctors)
    return await cache.hints.get(key, compute)


def _request(plan: BookingPlan) -> tuple[AppointmentSpec, HalfDay]:
    (spec,) = plan.specs
    assert spec.half_day, "checked by the caller"
    return spec, spec.half_day
