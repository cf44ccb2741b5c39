"""Compute free times from ranges, without a database or a clock. Both searches and refusals use these functions."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...clinics.audience import PatientFacts
from ...clinics.catalogue.model import Catalogue, Length
from ...kit import clock, errors, fields
from ...kit.structs import PageQuery, RequestBody

Range = tuple[datetime, datetime]
"""A half-open range."""
AnyMinutes = Annotated[
    int, msgspec.Meta(ge=5, le=720, description="length in minutes, if no appointment type determines it")
]
MAX_DAYS: Final = 62
MAX_SEARCH_DAYS: Final = 7
NO_BUFFERS: Final = (timedelta(), timedelta())


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
    """A clinic's booking rules at a given time: appointments can start when a slot starts or any number of `step`s
    later, but no earlier than `earliest` and no later than the local date `last_date`."""

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

    @classmethod
    def for_staff(cls, catalogue: Catalogue, now: datetime) -> "Terms":
        """Return the terms for staff, to whom neither the notice period nor the horizon applies."""
        return cls(catalogue.time_zone, timedelta(minutes=catalogue.slot_step_minutes), now, date.max)


class DoctorOffer(NamedTuple):
    """A doctor's time, with the clinic's terms and the length of the appointments to fit into it."""

    clinic_id: int
    terms: Terms
    length: Length | None
    """None for whole slots."""
    time: DoctorTime


class OfferedTime(msgspec.Struct, rename="camel", gc=False):  # a clinic has millions in a month, and none has a cycle
    start_time: datetime
    end_time: datetime
    doctor_id: UUID
    booking_slot_id: UUID | None
    """The booking slot that the time fills completely; null if it takes up part of a slot or spans several."""
    available: bool


def starts(doctor: DoctorTime, length: Length | None, terms: Terms) -> Iterator[tuple[date, OfferedTime]]:
    """Yield, in order, every time on the clinic's step that fits within the hours, together with its local date.
    `available` says whether it can be booked.

    If there is no length, yield whole slots. An appointment can span adjacent slots but cannot cross local midnight.
    The patient's time must be within published hours. The buffers around it need not be, but they must not overlap
    another claim.
    """
    claims, past = doctor.claims, 0  # number of claims that end before the time being checked
    before, after = (length.before, length.after) if length else NO_BUFFERS
    for slot, open_until in zip(doctor.slots, _open_until(doctor.slots), strict=True):
        for day, start, end in _fitting_times(slot, open_until, length, terms):
            while past < len(claims) and claims[past][1] <= start - before:
                past += 1
            free = past == len(claims) or end + after <= claims[past][0]
            whole = slot.id if start == slot.start and end == slot.end else None
            available = free and start >= terms.earliest and day <= terms.last_date
            yield day, OfferedTime(start, end, doctor.doctor_id, whole, available)


def _fitting_times(
    slot: PublishedSlot, open_until: datetime, length: Length | None, terms: Terms
) -> Iterator[tuple[date, datetime, datetime]]:
    """Yield the local date, start and end of every time that starts in the slot, ends by `open_until` and does not
    cross midnight."""
    whole = slot.end - slot.start
    duration, step = (timedelta(minutes=length.minutes), terms.step) if length else (whole, whole)
    day = clock.local_date(slot.start, terms.time_zone)
    in_one_day = day == clock.local_date(slot.end - timedelta.resolution, terms.time_zone)
    start, end = slot.start, slot.start + duration
    while start < slot.end and end <= open_until:
        if (in_one_day and end <= slot.end) or not clock.crosses_midnight(start, end, terms.time_zone):
            yield day if in_one_day else clock.local_date(start, terms.time_zone), start, end
        start, end = start + step, end + step


def _open_until(slots: Sequence[PublishedSlot]) -> list[datetime]:
    """Return, for each slot, the end of the continuous published time that the slot is part of."""
    until: list[datetime] = []
    for slot in reversed(slots):
        follows = until and slots[len(slots) - len(until)].start == slot.end
        until.append(until[-1] if follows else slot.end)
    return until[::-1]


def without_full_slots(time: DoctorTime) -> DoctorTime:
    """Return the doctor's time without slots that a single claim fills, so that fully booked days take no time to
    check.
    """
    slots = [
        slot for slot in time.slots if not any(start <= slot.start and slot.end <= end for start, end in time.claims)
    ]
    return time._replace(slots=slots)


def nearest(times: Sequence[OfferedTime], to: datetime, *, limit: int = 5) -> list[OfferedTime]:
    """Return the available times nearest to the given time, nearest first, without duplicates."""
    by_start = {offer.start_time: offer for offer in reversed(times) if offer.available}
    return sorted(by_start.values(), key=lambda offer: (abs(offer.start_time - to), offer.start_time))[:limit]


class AvailabilityFilter(RequestBody):
    EXAMPLE: ClassVar = {"from": "2027-03-01", "to": "2027-03-07"}

    date: fields.Date | None = None
    """A single day, instead of `from` and `to`."""
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: fields.Date | None = None
    """The last day."""
    appointment_type_id: UUID | None = None
    """Return times for this appointment type. If neither this nor `minutes` is given, return whole booking slots."""
    minutes: AnyMinutes | None = None
    """The length of the times in minutes, as an alternative to an appointment type."""
    doctor_id: UUID | None = None
    """Return only this doctor's times."""
    birth_date: fields.Date | None = None
    """The patient's date of birth. Omits times if the doctor or the type is for a different age group. Without it, a
    search for any doctor returns the times of doctors who see adults, if there are any.
    """
    known_patient: bool | None = None
    """Whether the patient has been to the clinic before. Omits times that such a patient cannot book."""
    show: Literal["free", "all"] = "free"
    """`all` also returns unavailable times, marked `available: false`."""

    def __post_init__(self) -> None:
        check_days(self, MAX_DAYS)


class DayFilter(RequestBody):
    """Filters for one day's free slots."""

    appointment_type_id: UUID | None = None
    """Return times for this appointment type. If neither this nor `minutes` is given, return whole booking slots."""
    minutes: AnyMinutes | None = None
    """The length of the times in minutes, as an alternative to an appointment type."""
    doctor_id: UUID | None = None
    """Return only this doctor's times."""
    birth_date: fields.Date | None = None
    """The patient's date of birth. Omits times if the doctor or the type is for a different age group. Without it, a
    search for any doctor returns the times of doctors who see adults, if there are any.
    """
    known_patient: bool | None = None
    """Whether the patient has been to the clinic before. Omits times that such a patient cannot book."""
    show: Literal["free", "all"] = "free"
    """`all` also returns unavailable times, marked `available: false`."""

    def __post_init__(self) -> None:
        check_length(self)


class SearchFilter(PageQuery):
    EXAMPLE: ClassVar = {"date": "2027-03-01", "specialty": "Dermatology"}

    date: fields.Date | None = None
    """A single day in each clinic's time zone, instead of `from` and `to`."""
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: fields.Date | None = None
    """The last day."""
    specialty: fields.ShortText | None = None
    """The specialty's full name, ignoring case and accents."""
    appointment_type_id: UUID | None = None
    """Return times for this appointment type."""
    clinic_id: fields.ClinicNumber | None = None
    """Return only this clinic's times."""
    minutes: AnyMinutes | None = None
    """The length of the times in minutes, as an alternative to an appointment type."""

    def __post_init__(self) -> None:
        check_days(self, MAX_SEARCH_DAYS)


def patient_of(query: AvailabilityFilter | DayFilter) -> PatientFacts:
    return PatientFacts(query.birth_date, query.known_patient)


def check_length(query: AvailabilityFilter | DayFilter | SearchFilter) -> None:
    if query.appointment_type_id and query.minutes:
        raise errors.Invalid(errors.Fault("#/minutes", "is already set by the appointment type"))


def check_days(query: AvailabilityFilter | SearchFilter, max_days: int) -> None:
    check_length(query)
    if query.date:
        if query.from_ or query.to:
            raise errors.Invalid(errors.Fault("#/date", "cannot be combined with “from” and “to”"))
        return
    if not (query.from_ and query.to):
        raise errors.Invalid(errors.Fault("#/from", "is required together with “to” unless “date” is given"))
    if query.to < query.from_:
        raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))
    if (query.to - query.from_).days >= max_days:
        raise errors.Invalid(errors.Fault("#/to", "must span no more than {days} days", days=max_days))


class Day(msgspec.Struct):
    date: date
    free: int
    """The number of available times on this day."""
    slots: list[OfferedTime]


class Availability(msgspec.Struct, rename="camel"):
    clinic_id: int
    time_zone: str
    appointment_type_id: UUID | None
    days: list[Day]
    next_available: OfferedTime | None
    """The first available time in the range, or else the first after it, up to the clinic's horizon."""


class SearchPosition(NamedTuple):
    """A search cursor: the next page starts after this (start, clinic, doctor)."""

    start: datetime
    clinic_id: int
    doctor_id: UUID


class SearchSlot(NamedTuple):
    """A published slot that a search has read, with the doctor's time in it and next to it."""

    clinic_name: str
    doctor_name: str
    specialty: str | None
    since: datetime
    """The earliest start in the slot that the search has not returned yet."""
    offer: DoctorOffer

    @property
    def place(self) -> SearchPosition:
        return SearchPosition(self.since, self.offer.clinic_id, self.offer.time.doctor_id)


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
    def place(self) -> SearchPosition:
        return SearchPosition(self.start_time, self.clinic_id, self.doctor_id)
