"""Alternative times to suggest when a requested time is refused."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from uuid import UUID

import msgspec

from .availability.model import DoctorTime, Range, Terms, nearest, starts
from .planning import BookingPlan
from .time_rules import AppointmentSpec, CurrentTime, overlaps


class Alternative(msgspec.Struct, rename="camel"):
    start_time: datetime
    end_time: datetime
    doctor_id: UUID


def with_doctors_taken(spec: AppointmentSpec, times: Sequence[DoctorTime]) -> list[DoctorTime]:
    """Return the doctors' times as if someone else had booked the appointment's time with every doctor who is free
    then. This makes the alternatives look the same whether the doctor or the customer is busy.
    """
    start, end = spec.claimed_from, spec.claimed_until
    return [
        time if overlaps(time.claims, start, end) else time._replace(claims=sorted([*time.claims, (start, end)]))
        for time in times
    ]


def find_alternatives(
    plan: BookingPlan,
    spec: AppointmentSpec,
    times: Sequence[DoctorTime],
    busy: Sequence[Range],
    current: CurrentTime | None,
) -> list[Alternative]:
    """Return the nearest times that could be booked instead, except the appointment's own time."""
    own = (current.doctor_id, current.start) if current else None
    terms = Terms.of(plan.catalogue, plan.now) if spec.is_bound else Terms.for_staff(plan.catalogue, plan.now)
    offers = chain.from_iterable(starts(time, spec.length, terms) for time in times)
    free = [
        offer
        for _, offer in offers
        if (offer.doctor_id, offer.start_time) != own and not overlaps(busy, offer.start_time, offer.end_time)
    ]
    return [Alternative(offer.start_time, offer.end_time, offer.doctor_id) for offer in nearest(free, spec.start)]
