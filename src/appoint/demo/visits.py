"""The visits of demo worlds: how they fill a doctor's hours, and their status by now. Chance comes from one seeded
source, so that all worlds of a day are equal."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from asyncpg import Range

from ..booking.model import Status
from ..kit import ids

EARLY_ARRIVAL: Final = timedelta(minutes=20)
"""How long before their appointment people arrive."""
CANCELLED_SHARE: Final = 0.08
MISSED_SHARE: Final = 0.05
MOVES: Final = {
    Status.PENDING: 0,
    Status.BOOKED: 0,
    Status.ARRIVED: 1,
    Status.CHECKED_IN: 2,
    Status.FULFILLED: 3,
    Status.CANCELLED: 1,
    Status.NOSHOW: 1,
}
"""How many changes lead to each status."""


class Kind(NamedTuple):
    """An appointment type."""

    id: UUID
    length: timedelta
    before: timedelta
    after: timedelta
    price: int | None


class Visit(NamedTuple):
    """A bookable time of a doctor."""

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
    """Fill a doctor's published slots, in order, with as many visits as fit: each starts on the clinic's step, and
    buffers do not overlap."""
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
    """Return the status of an appointment by `now`. `luck`, from 0 to 1, decides on cancellations and no-shows."""
    if luck < CANCELLED_SHARE:
        return Status.CANCELLED
    if visit.start > now:
        return Status.ARRIVED if visit.start <= now + EARLY_ARRIVAL else Status.BOOKED
    if luck < CANCELLED_SHARE + MISSED_SHARE:
        return Status.NOSHOW
    return Status.FULFILLED if visit.end <= now else Status.CHECKED_IN


def clinics_id(random: Random, clinic_id: int, created_at: datetime) -> UUID:
    """Return the id of a row of a clinic."""
    return ids.compose_id(clinic_id, _milliseconds(created_at), random.getrandbits(42))


def customers_id(random: Random, created_at: datetime) -> UUID:
    """Return the id of a customer: a UUIDv7, as the database generates."""
    return UUID(
        int=_milliseconds(created_at) << 80
        | 0x7 << 76
        | random.getrandbits(12) << 64
        | 0b10 << 62
        | random.getrandbits(62)
    )


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
