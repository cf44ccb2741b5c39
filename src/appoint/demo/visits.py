"""What fills the hours of the demo worlds' doctors, and what has become of it by now. Chance comes from one seeded
source, so that a day has one world."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from asyncpg import Range

from ..booking.model import Status
from ..kit import ids

WAITING: Final = timedelta(minutes=20)
"""How long before their time people come."""
CANCELLED: Final = 0.08
MISSED: Final = 0.05
MOVES: Final = {
    Status.PENDING: 0,
    Status.BOOKED: 0,
    Status.ARRIVED: 1,
    Status.CHECKED_IN: 2,
    Status.FULFILLED: 3,
    Status.CANCELLED: 1,
    Status.NOSHOW: 1,
}
"""How often an appointment has changed until it is in a status."""


class Kind(NamedTuple):
    """An appointment type."""

    id: UUID
    length: timedelta
    before: timedelta
    after: timedelta
    price: int | None


class Visit(NamedTuple):
    """A time that could be booked with a doctor."""

    doctor_id: UUID
    kind: Kind
    start: datetime
    end: datetime

    @property
    def during(self) -> Range[datetime]:
        return Range(self.start, self.end)

    @property
    def claimed(self) -> Range[datetime]:
        return Range(self.start - self.kind.before, self.end + self.kind.after)


def visits(
    random: Random, doctor_id: UUID, slots: Iterable[Range[datetime]], kinds: Sequence[Kind], *, step: timedelta
) -> Iterator[Visit]:
    """A doctor's published slots, in order, as full as they can be: buffers do not touch, and each visit starts on the
    clinic's step."""
    free_from = None
    for slot in slots:
        opens, closes = slot.lower, slot.upper
        assert opens
        assert closes
        while True:
            kind = random.choice(kinds)
            earliest = max(opens, free_from + kind.before) if free_from else opens
            start = opens + -((opens - earliest) // step) * step
            end = start + kind.length
            if end > closes:
                break
            yield Visit(doctor_id, kind, start, end)
            free_from = end + kind.after


def outcome(luck: float, visit: Visit, now: datetime) -> Status:
    """The status of an appointment by `now`; `luck`, from 0 to 1, is the rest of the story."""
    if luck < CANCELLED:
        return Status.CANCELLED
    if visit.start > now:
        return Status.ARRIVED if visit.start <= now + WAITING else Status.BOOKED
    if luck < CANCELLED + MISSED:
        return Status.NOSHOW
    return Status.FULFILLED if visit.end <= now else Status.CHECKED_IN


def clinics_id(random: Random, clinic_id: int, made_at: datetime) -> UUID:
    return ids.compose_id(clinic_id, _milliseconds(made_at), random.getrandbits(42))


def customers_id(random: Random, made_at: datetime) -> UUID:
    """A UUIDv7, as the database makes them."""
    return UUID(
        int=_milliseconds(made_at) << 80
        | 0x7 << 76
        | random.getrandbits(12) << 64
        | 0b10 << 62
        | random.getrandbits(62)
    )


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
