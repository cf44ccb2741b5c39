"""How a clinic goes: figures, charts and the tables behind them, of some time and of one doctor or all; each table to
download too."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from babel.dates import format_date, format_skeleton, get_day_names
from babel.numbers import format_decimal, format_percent
from litestar import Response, get
from litestar.params import FromPath

from ...clinics.clinics import service as clinics
from ...database.pool import Row
from ...http.forms import parse_date, parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ...kit.i18n import translate
from ...oversight.reports import repository
from ...oversight.reports.model import LEADS, PERIODS, Cell, Chart, Period, Sums, chart, period, rungs, share
from ..rendering import NO_STORE
from ..staff_frame import staff_page


class Asked(NamedTuple):
    """What an address asks for."""

    period: Period
    doctors: Mapping[UUID, Row]
    doctor_id: UUID | None
    today: date

    @property
    def of(self) -> dict[str, Any]:
        return {"doctor_id": self.doctor_id, "first": self.period.first, "last": self.period.last}


async def _asked(request: Request, clinic_id: int) -> Asked:
    """Raises `NotFound`. What cannot be read is not asked for."""
    query = query_params(request)
    clinic = await clinics.get(request.db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    doctors = {row.id: row for row in await repository.doctors(request.db, clinic_id)}
    doctor_id = parse_id(query.get("doctor"))
    first, last = (
        day if day and FIRST_YEAR <= day.year <= LAST_YEAR else None
        for day in (parse_date(query.get("from")), parse_date(query.get("to")))
    )
    return Asked(period(first, last, today), doctors, doctor_id if doctor_id in doctors else None, today)


class Step(NamedTuple):
    """A day, week or month."""

    since: date
    sums: Sums
    lead: Sequence[int]


async def _steps(request: Request, clinic_id: int, wanted: Asked) -> list[Step]:
    """All there are in the period, those too on which nothing was."""
    rows = await repository.over_time(request.db, clinic_id=clinic_id, unit=wanted.period.unit, **wanted.of)
    by_date = {
        row.since: Step(row.since, Sums(row.booked, row.cancelled, row.missed, row.kept, row.lead_days), row.lead)
        for row in rows
    }
    return [by_date.get(since, Step(since, Sums(), [0] * len(LEADS))) for since in wanted.period.steps()]


Heat = dict[Any, dict[int, Cell]]
"""By doctor or by weekday, then by hour."""


async def _heat(request: Request, clinic_id: int, wanted: Asked) -> tuple[Heat, Heat]:
    by_doctor, by_weekday = {}, {}
    for row in await repository.by_hour(request.db, clinic_id=clinic_id, **wanted.of):
        of, key = (by_doctor, row.doctor_id) if row.doctor_id else (by_weekday, row.weekday)
        of.setdefault(key, {})[row.hour] = Cell(row.published_minutes, row.booked_minutes)
    return {id: by_doctor[id] for id in wanted.doctors if id in by_doctor}, dict(sorted(by_weekday.items()))


@get(
    "/staff/{clinic_id:int}/numbers",
    operation_id="showNumbers",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    language = language_for(request)
    wanted = await _asked(request, clinic_id)
    before = wanted.period.before
    totals = {
        row.now: Sums(*tuple(row)[1:])
        for row in await repository.totals(
            request.db,
            clinic_id=clinic_id,
            doctor_id=wanted.doctor_id,
            first=before.first,
            since=wanted.period.first,
            last=wanted.period.last,
        )
    }
    steps = await _steps(request, clinic_id, wanted)
    by_doctor, by_weekday = await _heat(request, clinic_id, wanted)
    now, then = totals.get(True, Sums()), totals.get(False, Sums())
    return await staff_page(
        request,
        "staff/reports/reports.html",
        clinic_id=clinic_id,
        place="numbers",
        period=wanted.period,
        before=before,
        doctors=wanted.doctors.values(),
        doctor_id=wanted.doctor_id,
        shortcuts=[(name, *_last(wanted.today, days)) for name, days in PERIODS.items()],
        figures=_figures(language, now, then),
        nothing=not (now.booked or now.published_minutes),
        heats=[
            (
                "utilisation-by-doctor",
                translate(language, "Doctor"),
                [(wanted.doctors[id].name, cells) for id, cells in by_doctor.items()],
            ),
            (
                "utilisation-by-weekday",
                translate(language, "Weekday"),
                [(get_day_names("wide", locale=language)[day - 1], cells) for day, cells in by_weekday.items()],
            ),
        ],
        hours=_hours(by_weekday),
        percent=partial(_percent, language=language),
        sections=_sections(language, wanted.period, steps),
    )


def _last(today: date, days: int) -> tuple[date, date]:
    return today - timedelta(days=days - 1), today


def _hours(heat: Heat) -> range:
    """From the first hour of which there is anything to the last."""
    hours = [hour for cells in heat.values() for hour in cells]
    return range(min(hours), max(hours) + 1) if hours else range(0)


def _percent(value: float | None, language: str) -> str:
    return "–" if value is None else format_percent(round(value, 3), locale=language, decimal_quantization=False)


def _number(value: float | None, language: str) -> str:
    return "–" if value is None else format_decimal(round(value, 1), locale=language)


def _figures(language: str, now: Sums, then: Sums) -> list[tuple[str, str, str]]:
    """What each figure is, how much, and how much it was in the time before."""
    percent, number = partial(_percent, language=language), partial(_number, language=language)
    shown: list[tuple[str, Callable[[Any], str], Callable[[Sums], float | None]]] = [
        (translate(language, "Booked"), number, lambda sums: sums.booked),
        (translate(language, "Cancellation rate"), percent, lambda sums: sums.cancellation_rate),
        (translate(language, "No-show rate"), percent, lambda sums: sums.no_show_rate),
        (translate(language, "Utilisation"), percent, lambda sums: sums.utilisation),
        (translate(language, "Lead time in days"), number, lambda sums: sums.mean_lead),
    ]
    return [(name, written(value(now)), written(value(then))) for name, written, value in shown]


class Section(NamedTuple):
    """A chart and its table. `keys` name the series of the chart where there are several."""

    name: str
    title: str
    meaning: str
    chart: Chart
    keys: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def _sections(language: str, period: Period, steps: Sequence[Step]) -> list[Section]:
    percent, number = partial(_percent, language=language), partial(_number, language=language)
    since = {
        "day": translate(language, "Day"),
        "week": translate(language, "Week of"),
        "month": translate(language, "Month"),
    }[period.unit]
    short = [_step_name(step.since, period, language, short=True) for step in steps]
    long = [_step_name(step.since, period, language) for step in steps]
    sums = [step.sums for step in steps]
    booked, cancelled = translate(language, "Booked"), translate(language, "Cancelled")
    rates = [None if each.no_show_rate is None else each.no_show_rate * 100 for each in sums]
    lead = [sum(step.lead[place] for step in steps) for place in range(len(LEADS))]
    leads = [
        f"{first}+" if last is None else f"{first}–{last}" if first < last else str(first) for first, last in LEADS
    ]

    def axis(most: float) -> list[tuple[float, str]]:
        return [(rung, number(rung)) for rung in rungs(most)]

    of_rate = [(rung, _percent(rung / 100, language)) for rung in rungs(max((rate or 0 for rate in rates), default=0))]
    return [
        Section(
            "bookings",
            translate(language, "Bookings and cancellations"),
            translate(
                language,
                "Appointments by date, and how many of them were cancelled. Times on hold are not counted.",
            ),
            chart(
                short,
                [[each.booked for each in sums], [each.cancelled for each in sums]],
                [
                    [f"{name}: {each.booked}" for name, each in zip(long, sums, strict=True)],
                    [f"{name}: {each.cancelled}" for name, each in zip(long, sums, strict=True)],
                ],
                axis(max((each.booked for each in sums), default=0)),
            ),
            [booked, cancelled],
            [since, booked, cancelled, translate(language, "Cancellation rate")],
            [
                [name, number(each.booked), number(each.cancelled), percent(each.cancellation_rate)]
                for name, each in zip(long, sums, strict=True)
            ],
        ),
        Section(
            "no-shows",
            translate(language, "No-show rate"),
            translate(language, "Missed appointments as a share of all appointments with a recorded outcome."),
            chart(
                short,
                [rates],
                [[f"{name}: {percent(each.no_show_rate)}" for name, each in zip(long, sums, strict=True)]],
                of_rate,
            ),
            [],
            [
                since,
                translate(language, "Attended"),
                translate(language, "Missed"),
                translate(language, "No-show rate"),
            ],
            [
                [name, number(each.kept), number(each.missed), percent(each.no_show_rate)]
                for name, each in zip(long, sums, strict=True)
            ],
        ),
        Section(
            "lead-times",
            translate(language, "Lead time"),
            translate(language, "Days between booking and appointment, for all bookings."),
            chart(
                leads, [lead], [[f"{name}: {many}" for name, many in zip(leads, lead, strict=True)]], axis(max(lead))
            ),
            [],
            [translate(language, "Days"), booked, translate(language, "Share")],
            [[name, number(many), percent(share(many, sum(lead)))] for name, many in zip(leads, lead, strict=True)],
        ),
    ]


def _step_name(since: date, period: Period, language: str, *, short: bool = False) -> str:
    if period.unit == "month":
        return format_skeleton("yMMM", since, locale=language)
    return format_skeleton("MMMd", since, locale=language) if short else format_date(since, "medium", locale=language)


Table = tuple[Sequence[str], list[Sequence[Any]]]


async def _of_heat(request: Request, clinic_id: int, wanted: Asked, place: int) -> Table:
    heat = (await _heat(request, clinic_id, wanted))[place]
    return (
        (("doctor_id", "doctor"), ("weekday",))[place] + ("hour", "published_minutes", "booked_minutes"),
        [
            (
                *((key, wanted.doctors[key].name) if place == 0 else (key,)),
                hour,
                cell.published_minutes,
                cell.booked_minutes,
            )
            for key, cells in heat.items()
            for hour, cell in sorted(cells.items())
        ],
    )


async def _by_doctor(request: Request, clinic_id: int, wanted: Asked) -> Table:
    return await _of_heat(request, clinic_id, wanted, 0)


async def _by_weekday(request: Request, clinic_id: int, wanted: Asked) -> Table:
    return await _of_heat(request, clinic_id, wanted, 1)


async def _bookings(request: Request, clinic_id: int, wanted: Asked) -> Table:
    steps = await _steps(request, clinic_id, wanted)
    return (wanted.period.unit, "booked", "cancelled"), [
        (step.since, step.sums.booked, step.sums.cancelled) for step in steps
    ]


async def _no_shows(request: Request, clinic_id: int, wanted: Asked) -> Table:
    steps = await _steps(request, clinic_id, wanted)
    return (wanted.period.unit, "came", "missed"), [(step.since, step.sums.kept, step.sums.missed) for step in steps]


async def _lead_times(request: Request, clinic_id: int, wanted: Asked) -> Table:
    steps = await _steps(request, clinic_id, wanted)
    return ("from_days", "to_days", "booked"), [
        (first, last, sum(step.lead[place] for step in steps)) for place, (first, last) in enumerate(LEADS)
    ]


TABLES: Final[Mapping[str, Callable[[Request, int, Asked], Any]]] = {
    "utilisation-by-doctor.csv": _by_doctor,
    "utilisation-by-weekday.csv": _by_weekday,
    "bookings.csv": _bookings,
    "no-shows.csv": _no_shows,
    "lead-times.csv": _lead_times,
}


@get(
    "/staff/{clinic_id:int}/numbers/{file:str}",
    operation_id="downloadNumbers",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def download(request: Request, clinic_id: FromPath[int], file: FromPath[str]) -> Response[str]:
    """A table as CSV (RFC 4180), for programs: dates as ISO has them, weekdays from 1 (Monday), rates left to whoever
    reads it."""
    if file not in TABLES:
        raise errors.NotFound
    wanted = await _asked(request, clinic_id)
    columns, rows = await TABLES[file](request, clinic_id, wanted)
    text = io.StringIO()
    csv.writer(text).writerows([columns, *([_cell(value) for value in row] for row in rows)])
    return Response(
        text.getvalue(),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{wanted.period.first}_{wanted.period.last}_{file}"',
            "Cache-Control": NO_STORE,
        },
    )


def _cell(value: object) -> object:
    """What a spreadsheet would take for a formula becomes text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


PAGES: Final = [show, download]
