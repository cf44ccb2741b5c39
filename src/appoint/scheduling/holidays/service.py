"""List a clinic's public holidays, and close the clinic on them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from ... import audit
from ...clinics.clinics import service as clinics
from ...clinics.clinics.model import Clinic
from ...database.pool import Statements, Transaction
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.phones import country_of_zone
from ..absences import repository as absences_repository
from ..absences import service as absences
from ..absences.model import Absence, AbsenceContent
from .model import HolidayClosures, HolidayPlace, HolidayQuery, PublicHoliday, PublicHolidays, known_regions
from .model import list_holidays as list_dates

ONE_DAY: Final = timedelta(days=1)
MAX_DAYS: Final = 366
MIDNIGHT_MINUTE: Final = 1440


async def list_holidays(
    db: Statements, clinic_id: int, query: HolidayQuery, *, language: str, now: datetime
) -> PublicHolidays:
    """Return a clinic's public holidays, by default those of the next twelve months. Raise `NotFound` for an unknown
    clinic, and `Invalid` for an unknown region."""
    clinic = await clinics.get(db, clinic_id)
    first = query.from_ or clock.local_date(now, clinic.time_zone)
    last = min(query.to or first + MAX_DAYS * ONE_DAY, first + MAX_DAYS * ONE_DAY)
    place = _place(clinic, query.country, query.region)
    if place is None:
        return PublicHolidays(None, None, [], [])
    days = await asyncio.to_thread(list_dates, place, language=language, first=first, last=last)
    closures = await _closures(db, clinic, list(days))
    holidays = [PublicHoliday(day, name, closures.get(day)) for day, name in days.items()]
    return PublicHolidays(place.country, place.region, list(known_regions(place.country)), holidays)


async def close(
    tx: Transaction, actor: Actor, *, clinic_id: int, request: HolidayClosures, force: bool, now: datetime
) -> list[Absence]:
    """Close the clinic on public holidays, except where it is already closed. Return the closures that were added.

    Raise `Invalid` for a day that is not a public holiday, and the same errors as for any other absence.
    """
    clinic = await clinics.get(tx, clinic_id)
    place, days = _place(clinic, request.country, request.region), sorted(set(request.dates))
    names: Mapping[date, str] = (
        await asyncio.to_thread(list_dates, place, language=clinic.locale, first=days[0], last=days[-1])
        if place
        else {}
    )
    if faults := [
        errors.Fault(f"#/dates/{number}", "is not a public holiday")
        for number, day in enumerate(request.dates)
        if day not in names
    ]:
        raise errors.Invalid(*faults)
    closed = await _closures(tx, clinic, days)
    closures = [
        await absences.add_unrecorded(
            tx, clinic_id=clinic_id, content=await _closure(tx, clinic, day, names[day]), force=force, now=now
        )
        for day in days
        if day not in closed
    ]
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[closure.id for closure in closures])
    return closures


async def reopen(tx: Transaction, actor: Actor, *, clinic_id: int, absence_ids: Sequence[UUID], now: datetime) -> None:
    """Remove closures of a clinic. Raise `NotFound` if any of the absences is not one of its closures."""
    for absence_id in absence_ids:
        absence = await absences.get(tx, absence_id)
        if clinic_of(absence_id) != clinic_id or absence.doctor_id is not None:
            raise errors.NotFound
        await absences.remove_unrecorded(tx, absence_id=absence_id, if_match="*", now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=absence_ids)


def _place(clinic: Clinic, country: str | None, region: str | None) -> HolidayPlace | None:
    country = country or country_of_zone(clinic.time_zone)
    return HolidayPlace(country, region) if country else None


async def _closure(db: Statements, clinic: Clinic, day: date, name: str) -> AbsenceContent:
    period = await absences.find_period(db, clinic.id, first=day, first_minute=0, last=day, last_minute=MIDNIGHT_MINUTE)
    assert period, "the clinic exists"
    return AbsenceContent(start_time=period.start, end_time=period.end, reason=name)


async def _closures(db: Statements, clinic: Clinic, days: Sequence[date]) -> dict[date, UUID]:
    """Return the days on which the clinic is closed all day, each with the closure."""
    if not days:
        return {}
    return await absences_repository.find_closures(db, clinic.id, days)
