"""The figures in a clinic's reports, read from its daily totals."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from ...clinics.clinics import service as clinics
from ...http.forms import parse_id, query_params
from ...http.languages import typed_date
from ...http.request import Request
from ...kit import clock
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ...oversight.reports import service
from ...oversight.reports.model import LEADS, Cell, ReportedDoctor, ReportPeriod, Step, Sums, period


class ReportQuery(NamedTuple):
    """A report's period and doctor."""

    period: ReportPeriod
    doctors: Mapping[UUID, ReportedDoctor]
    doctor_id: UUID | None
    today: date
    time_zone: str

    @property
    def filters(self) -> dict[str, Any]:
        return {"doctor_id": self.doctor_id, "first": self.period.first, "last": self.period.last}


async def read_query(request: Request, clinic_id: int) -> ReportQuery:
    """Read the query from a URL, ignoring invalid values. Raise `NotFound` for an unknown clinic."""
    parameters = query_params(request)
    clinic = await clinics.get(request.stale_db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    doctors = {row.id: row for row in await service.list_doctors(request.stale_db, clinic_id)}
    doctor_id = parse_id(parameters.get("doctor"))
    first, last = (
        day if day and FIRST_YEAR <= day.year <= LAST_YEAR else None
        for day in (typed_date(request, parameters.get(name), clinic.time_zone) for name in ("from", "to"))
    )
    return ReportQuery(
        period(first, last, today), doctors, doctor_id if doctor_id in doctors else None, today, clinic.time_zone
    )


async def load_steps(request: Request, clinic_id: int, query: ReportQuery) -> list[Step]:
    """Return all the steps in the period, including empty ones."""
    steps = await service.over_time(request.stale_db, clinic_id=clinic_id, unit=query.period.unit, **query.filters)
    by_date = {step.since: step for step in steps}
    return [by_date.get(since, Step(since, Sums(), [0] * len(LEADS))) for since in query.period.steps()]


Heat = dict[Any, dict[int, Cell]]
"""Utilisation by doctor or weekday, then by hour."""


async def load_heat(request: Request, clinic_id: int, query: ReportQuery) -> tuple[Heat, Heat]:
    by_doctor: Heat = {}
    by_weekday: Heat = {}
    for sums in await service.by_hour(request.stale_db, clinic_id=clinic_id, **query.filters):
        heat, key = (by_doctor, sums.doctor_id) if sums.doctor_id else (by_weekday, sums.weekday)
        heat.setdefault(key, {})[sums.hour] = Cell(sums.published_minutes, sums.booked_minutes)
    return {id: by_doctor[id] for id in query.doctors if id in by_doctor}, dict(sorted(by_weekday.items()))
