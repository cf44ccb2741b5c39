"""A month of available times, as `patient/month.html` shows it."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ...booking.availability import service
from ...booking.availability.model import Availability, AvailabilityFilter, OfferedTime
from ...clinics.audience import UNKNOWN, PatientFacts
from ...clinics.catalogue.model import Catalogue
from ...http.forms import parse_date
from ...http.languages import language_tag_for
from ...http.request import Request
from ...kit import clock, regions

MAX_DOCTOR_LINKS: Final = 6
"""Up to this many doctors appear as links side by side. If there are more, they appear as a list to choose from."""
MAX_UNGROUPED_TIMES: Final = 10
"""If there are more times than this, they are grouped by part of the day."""
NOON_HOUR, EVENING_HOUR = 12, 17
ONE_DAY: Final = timedelta(days=1)


class Day(NamedTuple):
    date: date
    free: int


class Month(NamedTuple):
    """A month with the number of available times on each day, and the times of the selected day."""

    first: date
    previous: date | None
    next: date | None
    weekdays: list[date]
    """Seven days, in the order used by calendars in the visitor's region."""
    blanks: int
    """The number of weekdays before the first day."""
    days: list[Day]
    """Past weeks are left out."""
    selected: date | None
    times: dict[str, list[OfferedTime]]
    """By part of the day. If several doctors have the same time, it appears only once, for the doctor with the most
    times that month.
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

    async def availability_in(month: date) -> Availability:
        since, until = max(month, today), min(_month_after(month) - ONE_DAY, last)
        filter = AvailabilityFilter(
            from_=since,
            to=until,
            appointment_type_id=only.appointment_type_id,
            minutes=only.minutes,
            doctor_id=only.doctor_id,
            birth_date=only.patient.birth_date,
            known_patient=only.patient.is_known,
        )
        return await service.find_for_clinic(
            request.services.db,
            request.cache,
            clinic_id=catalogue.clinic_id,
            query=filter,
            first=since,
            last=until,
            now=now,
            own_doctor_id=only.own_doctor_id,
        )

    availability = await availability_in(first)
    next_available = availability.next_available
    if requested is None and next_available and _is_empty(availability):
        first = clock.local_date(next_available.start_time, catalogue.time_zone).replace(day=1)
        availability = await availability_in(first)
    selected = day if day in {each.date for each in availability.days} else _first_free(availability, preferred)
    week = regions.week(language_tag_for(request, catalogue.time_zone))
    return _month(availability, catalogue, week, first=first, today=today, last=last, selected=selected)


def _month(
    availability: Availability,
    catalogue: Catalogue,
    week: list[int],
    *,
    first: date,
    today: date,
    last: date,
    selected: date | None,
) -> Month:
    free = {day.date: len({(offer.start_time, offer.end_time) for offer in day.slots}) for day in availability.days}
    next_month, next_available = _month_after(first), availability.next_available
    this_week = today - timedelta(days=week.index(today.weekday()))
    dates = [date for date in _dates(first) if date >= this_week]
    return Month(
        first=first,
        previous=(first - ONE_DAY).replace(day=1) if first > today else None,
        next=next_month if next_month <= last else None,
        weekdays=[first + timedelta(days=(number - first.weekday()) % 7) for number in week],
        blanks=week.index(dates[0].weekday()),
        days=[Day(date, free.get(date, 0)) for date in dates],
        selected=selected,
        times=_by_part_of_day(_distinct_times(availability, selected), catalogue.time_zone),
        is_empty=_is_empty(availability),
        first_available=next_available and clock.local_date(next_available.start_time, catalogue.time_zone),
    )


def _first_free(availability: Availability, preferred: date | None) -> date | None:
    """Return the first day with an available time, on or after the `preferred` day if possible."""
    days = [day.date for day in availability.days if day.slots]
    return next((day for day in days if preferred is None or day >= preferred), days[0] if days else None)


def _distinct_times(availability: Availability, selected: date | None) -> list[OfferedTime]:
    times_of_doctor = Counter(offer.doctor_id for day in availability.days for offer in day.slots)
    offers = sorted(
        (offer for day in availability.days if day.date == selected for offer in day.slots),
        key=lambda offer: times_of_doctor[offer.doctor_id],
    )
    # if several offers have the same time, the last one wins
    by_time = {(offer.start_time, offer.end_time): offer for offer in offers}
    return [by_time[time] for time in sorted(by_time)]


def _is_empty(availability: Availability) -> bool:
    return not any(day.free for day in availability.days)


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
