"""Assign doctors to appointments that are booked together, without a database."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from .time_rules import AppointmentSpec

MAX_STEPS: Final = 5000
"""The maximum number of choices to try. Without a limit, finding doctors for 20 appointments could take a very long
time.
"""
Assignment = Mapping[int, UUID]
"""The doctor for each appointment, by the appointment's position in the request."""


def assign(specs: Sequence[AppointmentSpec], takers: Mapping[int, Sequence[UUID]]) -> Assignment | None:
    """Return a doctor for each appointment, so that no doctor's claims overlap. Return None if that is impossible or
    would take too long to work out.

    `takers` contains the doctors who could take each appointment if it were the only one.
    """
    steps = iter(range(MAX_STEPS))
    ordered = sorted(specs, key=lambda spec: len(takers[spec.position]))
    return next(_assignments(ordered, takers, [], steps), None)


def _assignments(
    specs: Sequence[AppointmentSpec],
    takers: Mapping[int, Sequence[UUID]],
    pairs: Sequence[tuple[AppointmentSpec, UUID]],
    steps: Iterator[int],
) -> Iterator[Assignment]:
    if not specs:
        yield {spec.position: doctor_id for spec, doctor_id in pairs}
        return
    spec, *rest = specs
    for doctor_id in takers[spec.position]:
        if next(steps, None) is None:
            return
        if not any(busy_id == doctor_id and _overlap(other, spec) for other, busy_id in pairs):
            yield from _assignments(rest, takers, [*pairs, (spec, doctor_id)], steps)


def _overlap(one: AppointmentSpec, other: AppointmentSpec) -> bool:
    return one.claimed_from < other.claimed_until and other.claimed_from < one.claimed_until
