"""Compute free times from ranges, without a database or a clock. Search and the alternatives of refusals share this."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...clinics.catalogue.model import Catalogue, Length
from ...kit import clock, errors, fields
from ...kit.structs import PageQuery, RequestBody

Range = tuple[datetime, datetime]
"""Half-open."""
AnyMinutes = Annotated[int, msgspec.Meta(ge=5, le=720, description="length, where no appointment type says it")]
MAX_DAYS = 62
MAX_SEARCH_DAYS = 7


class PublishedSlot(NamedTuple):
    id: UUID
    start: datetime
    end: datetime


class DoctorTime(NamedTuple):
    """A doctor's published slots and claimed ranges, each sorted by start and without overlaps."""

    doctor_id: UUID
    slots: Sequence[PublishedSlot]
    claims: Sequence[Range]


class Terms(NamedTuple):
    """What a clinic allows now: no start before `earliest` or on a local date after `last_date`; starts every `step`
    from a slot's start."""

    time_zone: str
    step: timedelta
    earliest: datetime
    last_date: date

    @classmethod
    def of(cls, catalogue: Catalogue, now: datetime) -> "Terms":
        return cls(
            catalogue.time_zone,
            timedelta(minutes=catalogue.slot_step_minutes),
            catalogue.earliest_start(now),
            catalogue.last_date(now),
        )


class OfferedTime(msgspec.Struct, rename="camel"):
    start_time: datetime
    end_time: datetime
    doctor_id: UUID
    booking_slot_id: UUID | None
    """The slot that the time is all of; null when it is a part of one, or runs over several."""
    available: bool


def starts(doctor: DoctorTime, length: Length | None, terms: Terms) -> Iterator[tuple[date, OfferedTime]]:
    """Yield every time on the clinic's step for which the hours are long enough, in order, with its local date.
    `available` says whether it can be booked.

    Without a length, whole slots. An appointment may run over adjacent slots but not over local midnight. The patient's
    time lies within published hours; the buffers around it may lie outside, but touch no other claim.
    """
    claims, past = doctor.claims, 0  # number of claims that end before the current time
    before, after = (length.before, length.after) if length else (timedelta(), timedelta())
    for slot, open_until in zip(doctor.slots, _open_until(doctor.slots), strict=True):
        minutes, step = (
            (timedelta(minutes=length.minutes), terms.step)
            if length
            else (slot.end - slot.start, slot.end - slot.start)
        )
        day = clock.local_date(slot.start, terms.time_zone)
        in_one_day = day == clock.local_date(slot.end - timedelta.resolution, terms.time_zone)
        start, end = slot.start, slot.start + minutes
        while start < slot.end and end <= open_until:
            if (in_one_day and end <= slot.end) or not clock.crosses_midnight(start, end, terms.time_zone):
                if not in_one_day:
                    day = clock.local_date(start, terms.time_zone)
                while past < len(claims) and claims[past][1] <= start - before:
                    past += 1
                free = past == len(claims) or end + after <= claims[past][0]
                whole = slot.id if start == slot.start and end == slot.end else None
                yield (
                    day,
                    OfferedTime(
                        start, end, doctor.doctor_id, whole, free and start >= terms.earliest and day <= terms.last_date
                    ),
                )
            start, end = start + step, end + step


def _open_until(slots: Sequence[PublishedSlot]) -> list[datetime]:
    """Return, for each slot, the end of the continuous published time that it is part of."""
    until: list[datetime] = []
    for slot in reversed(slots):
        follows = until and slots[len(slots) - len(until)].start == slot.end
        until.append(until[-1] if follows else slot.end)
    return until[::-1]


def nearest(found: Sequence[OfferedTime], to: datetime, *, most: int = 5) -> list[OfferedTime]:
    """Return the available times nearest to an instant, nearest first, without duplicates."""
    by_time = {offer.start_time: offer for offer in reversed(found) if offer.available}
    return sorted(by_time.values(), key=lambda offer: (abs(offer.start_time - to), offer.start_time))[:most]


class AvailabilityFilter(RequestBody):
    EXAMPLE: ClassVar = {"from": "2027-03-01", "to": "2027-03-07"}

    date: fields.Date | None = None
    """One day, instead of `from` and `to`."""
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: fields.Date | None = None
    """The last day."""
    appointment_type_id: UUID | None = None
    """Times for this; without it or `minutes`, whole booking slots."""
    minutes: AnyMinutes | None = None
    """Times of this length, instead of a type's."""
    doctor_id: UUID | None = None
    """Only this doctor's times."""
    show: Literal["free", "all"] = "free"
    """`all` shows taken times too, with `available: false`."""

    def __post_init__(self) -> None:
        check_days(self, MAX_DAYS)


class DayFilter(RequestBody):
    """Filters for the free slots of one day."""

    appointment_type_id: UUID | None = None
    """Times for this; without it or `minutes`, whole booking slots."""
    minutes: AnyMinutes | None = None
    """Times of this length, instead of a type's."""
    doctor_id: UUID | None = None
    """Only this doctor's times."""
    show: Literal["free", "all"] = "free"
    """`all` shows taken times too, with `available: false`."""

    def __post_init__(self) -> None:
        check_length(self)


class SearchFilter(PageQuery):
    EXAMPLE: ClassVar = {"date": "2027-03-01", "specialty": "Dermatology"}

    date: fields.Date | None = None
    """One day, instead of `from` and `to`; each clinic's own."""
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: fields.Date | None = None
    """The last day."""
    specialty: fields.ShortText | None = None
    """The full specialty, in upper or lower case."""
    appointment_type_id: UUID | None = None
    """Times for this."""
    clinic_id: fields.ClinicNumber | None = None
    """Only this clinic's times."""
    minutes: AnyMinutes | None = None
    """Times of this length, instead of a type's."""

    def __post_init__(self) -> None:
        check_days(self, MAX_SEARCH_DAYS)


def check_length(asked: AvailabilityFilter | DayFilter | SearchFilter) -> None:
    if asked.appointment_type_id and asked.minutes:
        raise errors.Invalid(errors.Fault("#/minutes", "is already set by the appointment type"))


def check_days(asked: AvailabilityFilter | SearchFilter, longest: int) -> None:
    check_length(asked)
    if asked.date:
        if asked.from_ or asked.to:
            raise errors.Invalid(errors.Fault("#/date", "cannot be combined with “from” and “to”"))
        return
    if not (asked.from_ and asked.to):
        raise errors.Invalid(errors.Fault("#/from", "is required together with “to”; or send “date” instead"))
    if asked.to < asked.from_:
        raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))
    if (asked.to - asked.from_).days >= longest:
        raise errors.Invalid(errors.Fault("#/to", "must span no more than {days} days", days=longest))


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


class Place(NamedTuple):
    """Search cursor: results after this (start, clinic, doctor)."""

    start: datetime
    clinic_id: int
    doctor_id: UUID


class FoundTime(msgspec.Struct, rename="camel"):
    """A search result."""

    clinic_id: int
    clinic_name: str
    time_zone: str
    doctor_id: UUID
    doctor_name: str
    specialty: str | None
    start_time: datetime
    end_time: datetime

    @property
    def place(self) -> Place:
        return Place(self.start_time, self.clinic_id, self.doctor_id)
