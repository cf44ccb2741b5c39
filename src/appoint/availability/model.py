"""Which times are free: ranges in, starts out. Search and booking's alternatives use the same functions; nothing here asks a database or a clock."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Literal, NamedTuple
from uuid import UUID

import msgspec

from .. import clock, errors, wire
from ..catalogue.model import Catalogue, Length
from ..resources import PageQuery, Request

Range = tuple[datetime, datetime]
"""Half-open."""
AnyMinutes = Annotated[int, msgspec.Meta(ge=5, le=720, description="length, where no appointment type says it")]
LONGEST_DAYS = 62
LONGEST_SEARCH_DAYS = 7


class PublishedSlot(NamedTuple):
    id: UUID
    start: datetime
    end: datetime
    date: date
    """Local to the clinic."""


class DoctorTime(NamedTuple):
    """A doctor's published slots and claimed ranges, each sorted by start and without overlaps."""

    doctor_id: UUID
    slots: Sequence[PublishedSlot]
    claims: Sequence[Range]


class Terms(NamedTuple):
    """What a clinic allows now: no start before `earliest` or on a local date after `last_date`; starts every `step` from a slot's start."""

    time_zone: str
    step: timedelta
    earliest: datetime
    last_date: date

    @classmethod
    def of(cls, catalogue: Catalogue, now: datetime) -> "Terms":
        return cls(catalogue.time_zone, timedelta(minutes=catalogue.slot_step_minutes), catalogue.earliest_start(now), catalogue.last_date(now))


class Start(NamedTuple):
    """A time to start at; tuples sort by time, then doctor."""

    start: datetime
    doctor_id: UUID
    end: datetime
    slot: PublishedSlot
    available: bool


def starts(doctor: DoctorTime, length: Length | None, terms: Terms) -> Iterator[Start]:
    """Every start on the clinic's step at which the hours are long enough, in order; `available` says whether it can be booked.

    Without a length, whole slots. An appointment may run over adjacent slots but not over local midnight. The patient's time lies within
    published hours; the buffers around it may lie outside, but touch no other claim.
    """
    claim_starts = [claim[0] for claim in doctor.claims]

    def claimed(start: datetime, end: datetime) -> bool:
        last_before_end = bisect_left(claim_starts, end) - 1
        return last_before_end >= 0 and doctor.claims[last_before_end][1] > start

    for slot, open_until in zip(doctor.slots, _open_until(doctor.slots), strict=True):
        in_time = slot.date <= terms.last_date
        if length is None:
            yield Start(slot.start, doctor.doctor_id, slot.end, slot, in_time and slot.start >= terms.earliest and not claimed(slot.start, slot.end))
            continue
        minutes = timedelta(minutes=length.minutes)
        start = slot.start
        while start < slot.end and start + minutes <= open_until:
            end = start + minutes
            if end <= slot.end or not clock.crosses_midnight(start, end, terms.time_zone):
                available = in_time and start >= terms.earliest and not claimed(start - length.before, end + length.after)
                yield Start(start, doctor.doctor_id, end, slot, available)
            start += terms.step


def _open_until(slots: Sequence[PublishedSlot]) -> list[datetime]:
    """For each slot, where the published time that it is part of ends."""
    until: list[datetime] = []
    for slot in reversed(slots):
        follows = until and slots[len(slots) - len(until)].start == slot.end
        until.append(until[-1] if follows else slot.end)
    return until[::-1]


def nearest(found: Sequence[Start], to: datetime, *, most: int = 5) -> list[Start]:
    """The available starts nearest to an instant, the nearest first, each time once."""
    by_time = {offer.start: offer for offer in reversed(found) if offer.available}
    return sorted(by_time.values(), key=lambda offer: (abs(offer.start - to), offer.start))[:most]


class AvailabilityFilter(Request):
    EXAMPLE: ClassVar = {"from": "2027-03-01", "to": "2027-03-07"}

    date: wire.Date | None = None
    """One day, instead of `from` and `to`."""
    from_: wire.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: wire.Date | None = None
    """The last day."""
    appointment_type_id: UUID | None = None
    """Times for this; without it or `minutes`, whole booking slots."""
    minutes: AnyMinutes | None = None
    """Times of this length, instead of a type's."""
    doctor_id: UUID | None = None
    """Only this doctor's."""
    show: Literal["free", "all"] = "free"
    """`all` shows taken times too, with `available: false`."""

    def __post_init__(self) -> None:
        check_days(self, LONGEST_DAYS)


class DayFilter(Request):
    """What one day's free slots can be narrowed by."""

    appointment_type_id: UUID | None = None
    """Times for this; without it or `minutes`, whole booking slots."""
    minutes: AnyMinutes | None = None
    """Times of this length, instead of a type's."""
    doctor_id: UUID | None = None
    """Only this doctor's."""
    show: Literal["free", "all"] = "free"
    """`all` shows taken times too, with `available: false`."""

    def __post_init__(self) -> None:
        check_length(self)


class SearchFilter(PageQuery):
    EXAMPLE: ClassVar = {"date": "2027-03-01", "specialty": "Dermatology"}

    date: wire.Date | None = None
    """One day, instead of `from` and `to`; each clinic's own."""
    from_: wire.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: wire.Date | None = None
    """The last day."""
    specialty: wire.ShortText | None = None
    """The whole word, in capitals or not."""
    appointment_type_id: UUID | None = None
    """Times for this."""
    clinic_id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    """Only this clinic's."""
    minutes: AnyMinutes | None = None
    """Times of this length, instead of a type's."""

    def __post_init__(self) -> None:
        check_days(self, LONGEST_SEARCH_DAYS)


def check_length(asked: AvailabilityFilter | DayFilter | SearchFilter) -> None:
    if asked.appointment_type_id and asked.minutes:
        raise errors.Invalid(errors.Fault("#/minutes", "is said by the appointment type already"))


def check_days(asked: AvailabilityFilter | SearchFilter, longest: int) -> None:
    check_length(asked)
    if asked.date:
        if asked.from_ or asked.to:
            raise errors.Invalid(errors.Fault("#/date", "is one day; leave it out to ask for from and to"))
        return
    if not (asked.from_ and asked.to):
        raise errors.Invalid(errors.Fault("#/from", "is needed together with to, or date instead of both"))
    if asked.to < asked.from_:
        raise errors.Invalid(errors.Fault("#/to", "must not be before from"))
    if (asked.to - asked.from_).days >= longest:
        raise errors.Invalid(errors.Fault("#/to", "asks for more than {days} days", days=longest))


class OfferedTime(msgspec.Struct, rename="camel"):
    start_time: datetime
    end_time: datetime
    doctor_id: UUID
    booking_slot_id: UUID | None
    """The slot that the time is all of; null when it is a part of one, or runs over several."""
    available: bool


class Day(msgspec.Struct):
    date: date
    free: int
    """How many of the day's times are available."""
    slots: list[OfferedTime]


class Availability(msgspec.Struct, rename="camel"):
    clinic_id: int
    time_zone: str
    appointment_type_id: UUID | None
    days: list[Day]
    next_available: OfferedTime | None
    """The first available time in the range, else the first after it, up to the clinic's horizon."""


class FoundTime(msgspec.Struct, rename="camel"):
    """A time anywhere, as search finds it."""

    clinic_id: int
    clinic_name: str
    time_zone: str
    doctor_id: UUID
    doctor_name: str
    specialty: str | None
    start_time: datetime
    end_time: datetime


def shown(offer: Start) -> OfferedTime:
    whole = (offer.start, offer.end) == (offer.slot.start, offer.slot.end)
    return OfferedTime(offer.start, offer.end, offer.doctor_id, offer.slot.id if whole else None, offer.available)
