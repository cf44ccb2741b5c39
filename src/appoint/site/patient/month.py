"""A month of available times, as `patient/month.html` shows it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from ...booking.availability import service
from ...booking.availability.model import Availability, AvailabilityFilter, OfferedTime
from ...clinics.audience import UNKNOWN, PatientFacts
from ...clinics.catalogue.model import Catalogue
from ...http.forms import parse_date
from ...http.languages import language_tag_for
from ...http.request import Request
from ...kit import clock, regions

T = TypeVar("T")

MAX_DOCTOR_LINKS: Final = 6
"""Up to this many doctors appear as links side by side. If there are more, they appear as a list to choose from."""
MAX_UNGROUPED_TIMES: Final = 10
"""If there are more times than this, they are grouped by part of the day."""
NOON_HOUR, EVENING_HOUR = 12, 17
ONE_DAY: Final = timedelta(days=1)
MAX_COUNTED_DOCTORS: Final = 100
"""With more doctors to choose from, a month shows only which days have times, because counting them takes too long."""


class Day(NamedTuple):
    date: date
    free: int
    """The number of available times, or 1 if the month does not count them."""


class Month(NamedTuple):
    """A month of days with available times, and the times of the selected day."""

    first: date
    previous: date | None
    next: date | None
    weekdays: list[date]
    """Seven days, in the order used by calendars in the visitor's region."""
    blanks: int
    """The number of weekdays before the first day."""
    days: list[Day]
    """Past weeks are left out."""
    is_counted: bool
    """Whether the days show how many times they have, or only whether they have any."""
    selected: date | None
    times: dict[str, list[OfferedTime]]
    """By part of the day. If several doctors have the same time, it appears only once, for the doctor with the most
    times that month or, if the month does not count them, that day.
    """
    is_empty: bool
    first_available: date | None
    """The first day with an available time, which may be after the month."""


class TimeFilter(NamedTuple):
    """A filter for a month's times: by type or length, or whole slots if neither is given; for one doctor or all; and
    only with doctors who see the patient."""

    appointment_type_id: UUID | None
    minutes: int | None
    doctor_id: UUID | None
    patient: PatientFacts = UNKNOWN
    own_doctor_id: UUID | None = None
    """The doctor of the appointment to move."""


class Finding(NamedTuple):
    """The free times or days between two dates."""

    first: date
    last: date
    free: dict[date, int]
    """The number of available times on each day that has any, or 1 if they are not counted."""
    selected: date | None
    offers: Sequence[OfferedTime]
    """The times on the selected day, those with busier doctors first."""
    next_available: date | None


async def load_month(
    request: Request,
    catalogue: Catalogue,
    query: Mapping[str, str],
    only: TimeFilter,
    *,
    now: datetime,
    preferred: date | None = None,
) -> Month:
    """Return the month and day given by `month` and `date` in the URL, or by default the first ones with an available
    time, starting from the `preferred` day.
    """
    today, last = clock.local_date(now, catalogue.time_zone), catalogue.last_date(now)
    day = parse_date(query.get("date"))
    requested = parse_date(query.get("month", "") + "-01") or day
    first = min(max(requested or preferred or today, today), last).replace(day=1)
    doctors = catalogue.doctors_for(only.appointment_type_id, only.doctor_id)
    is_counted = len(doctors) <= MAX_COUNTED_DOCTORS
    find = partial(
        _count_times if is_counted else _find_days, request, catalogue, only, day=day, preferred=preferred, now=now
    )
    finding = await find(first=max(first, today), last=min(_month_after(first) - ONE_DAY, last))
    if requested is None and finding.next_available and not finding.free:
        first = finding.next_available.replace(day=1)
        finding = await find(first=max(first, today), last=min(_month_after(first) - ONE_DAY, last))
    week = regions.week(language_tag_for(request, catalogue.time_zone))
    return _month(finding, catalogue, week, first=first, today=today, last=last, is_counted=is_counted)


async def _count_times(
    request: Request,
    catalogue: Catalogue,
    only: TimeFilter,
    *,
    first: date,
    last: date,
    day: date | None,
    preferred: date | None,
    now: datetime,
) -> Finding:
    """Find all times between the dates."""
    availability = await _find(service.find_for_clinic, request, catalogue, only, first=first, last=last, now=now)
    free = {
        each.date: len({(offer.start_time, offer.end_time) for offer in each.slots})
        for each in availability.days
        if each.slots
    }
    selected = _selected_day(free, first, last, day=day, preferred=preferred)
    times_of_doctor = Counter(offer.doctor_id for each in availability.days for offer in each.slots)
    offers = sorted(
        (offer for each in availability.days if each.date == selected for offer in each.slots),
        key=lambda offer: times_of_doctor[offer.doctor_id],
    )
    return Finding(first, last, free, selected, offers, _next_date(availability))


async def _find_days(
    request: Request,
    catalogue: Catalogue,
    only: TimeFilter,
    *,
    first: date,
    last: date,
    day: date | None,
    preferred: date | None,
    now: datetime,
) -> Finding:
    """Find the days between the dates that have times, and the times of only one of them."""
    free = dict.fromkeys(
        await _find(service.find_free_days, request, catalogue, only, first=first, last=last, now=now), 1
    )
    selected = _selected_day(free, first, last, day=day, preferred=preferred)
    offers: list[OfferedTime] = []
    next_date = min(free, default=None)
    if selected in free or not free:  # if there are none, the search goes on after the last day
        only_day = selected if selected and selected in free else last
        availability = await _find(
            service.find_for_clinic, request, catalogue, only, first=only_day, last=only_day, now=now
        )
        times_of_doctor = Counter(offer.doctor_id for offer in availability.days[0].slots)
        offers = sorted(availability.days[0].slots, key=lambda offer: times_of_doctor[offer.doctor_id])
        next_date = next_date or _next_date(availability)
    return Finding(first, last, free, selected, offers, next_date)


async def _find(
    find: Callable[..., Awaitable[T]],
    request: Request,
    catalogue: Catalogue,
    only: TimeFilter,
    *,
    first: date,
    last: date,
    now: datetime,
) -> T:
    return await find(
        request.stale_db,
        request.cache,
        clinic_id=catalogue.clinic_id,
        query=AvailabilityFilter(
            from_=first,
            to=last,
            appointment_type_id=only.appointment_type_id,
            minutes=only.minutes,
            doctor_id=only.doctor_id,
            birth_date=only.patient.birth_date,
            known_patient=only.patient.is_known,
        ),
        first=first,
        last=last,
        now=now,
        own_doctor_id=only.own_doctor_id,
    )


def _month(
    finding: Finding, catalogue: Catalogue, week: list[int], *, first: date, today: date, last: date, is_counted: bool
) -> Month:
    next_month = _month_after(first)
    this_week = today - timedelta(days=week.index(today.weekday()))
    dates = [date for date in _dates(first) if date >= this_week]
    return Month(
        first=first,
        previous=(first - ONE_DAY).replace(day=1) if first > today else None,
        next=next_month if next_month <= last else None,
        weekdays=[first + timedelta(days=(number - first.weekday()) % 7) for number in week],
        blanks=week.index(dates[0].weekday()),
        days=[Day(date, finding.free.get(date, 0)) for date in dates],
        is_counted=is_counted,
        selected=finding.selected,
        times=_by_part_of_day(_distinct_times(finding.offers), catalogue.time_zone),
        is_empty=not finding.free,
        first_available=finding.next_available,
    )


def _selected_day(
    free: Collection[date], first: date, last: date, *, day: date | None, preferred: date | None
) -> date | None:
    """Return the requested `day` if it lies between the dates. Otherwise, return the first day with an available time,
    on or after the `preferred` day if possible."""
    if day and first <= day <= last:
        return day
    return min((each for each in free if preferred is None or each >= preferred), default=min(free, default=None))


def _next_date(availability: Availability) -> date | None:
    time = availability.next_available
    return time and clock.local_date(time.start_time, availability.time_zone)


def _distinct_times(offers: Sequence[OfferedTime]) -> list[OfferedTime]:
    # if several offers have the same time, the last one wins
    by_time = {(offer.start_time, offer.end_time): offer for offer in offers}
    return [by_time[time] for time in sorted(by_time)]


def _month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _dates(month: date) -> list[date]:
    return [month + timedelta(days=number) for number in range((_month_after(month) - month).days)]


def _by_part_of_day(times: list[OfferedTime], time_zone: str) -> dict[str, list[OfferedTime]]:
    """Group times by `morning`, `afternoon` and `evening` if there are many; otherwise put them all under an empty
    name.
    """
    if len(times) <= MAX_UNGROUPED_TIMES:
        return {"": times} if times else {}
    parts: dict[str, list[OfferedTime]] = {"morning": [], "afternoon": [], "evening": []}
    for time in times:
        hour = time.start_time.astimezone(clock.zone(time_zone)).hour
        parts["morning" if hour < NOON_HOUR else "afternoon" if hour < EVENING_HOUR else "evening"].append(time)
    return {part: offers for part, offers in parts.items() if offers}
