"""The downloadable tables of a clinic's reports, by file name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ...http.request import Request
from ...oversight.reports.model import LEADS
from .report_data import ReportQuery, load_heat, load_steps

Table = tuple[Sequence[str], list[Sequence[Any]]]


async def _of_heat(request: Request, clinic_id: int, query: ReportQuery, index: int) -> Table:
    heat = (await load_heat(request, clinic_id, query))[index]
    return (
        (("doctor_id", "doctor"), ("weekday",))[index] + ("hour", "published_minutes", "booked_minutes"),
        [
            (
                *((key, query.doctors[key].name) if index == 0 else (key,)),
                hour,
                cell.published_minutes,
                cell.booked_minutes,
            )
            for key, cells in heat.items()
            for hour, cell in sorted(cells.items())
        ],
    )


async def _by_doctor(request: Request, clinic_id: int, query: ReportQuery) -> Table:
    return await _of_heat(request, clinic_id, query, 0)


async def _by_weekday(request: Request, clinic_id: int, query: ReportQuery) -> Table:
    return await _of_heat(request, clinic_id, query, 1)


async def _bookings(request: Request, clinic_id: int, query: ReportQuery) -> Table:
    steps = await load_steps(request, clinic_id, query)
    return (query.period.unit, "booked", "cancelled"), [
        (step.since, step.sums.booked, step.sums.cancelled) for step in steps
    ]


async def _no_shows(request: Request, clinic_id: int, query: ReportQuery) -> Table:
    steps = await load_steps(request, clinic_id, query)
    return (query.period.unit, "came", "missed"), [(step.since, step.sums.kept, step.sums.missed) for step in steps]


async def _lead_times(request: Request, clinic_id: int, query: ReportQuery) -> Table:
    steps = await load_steps(request, clinic_id, query)
    return ("from_days", "to_days", "booked"), [
        (first, last, sum(step.lead[index] for step in steps)) for index, (first, last) in enumerate(LEADS)
    ]


TABLES: Final[Mapping[str, Callable[[Request, int, ReportQuery], Any]]] = {
    "utilisation-by-doctor.csv": _by_doctor,
    "utilisation-by-weekday.csv": _by_weekday,
    "bookings.csv": _bookings,
    "no-shows.csv": _no_shows,
    "lead-times.csv": _lead_times,
}
