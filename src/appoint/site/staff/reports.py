"""A clinic's reports: figures, charts and downloadable tables for a period, for one doctor or for all."""

from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from babel.dates import get_day_names
from litestar import Response, get
from litestar.params import FromPath

from ...http.languages import language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit import errors
from ...kit.i18n import translate
from ...kit.regions import locale_of, week
from ...kit.spreadsheets import csv_file
from ...oversight.reports import service
from ...oversight.reports.model import PERIODS
from ..rendering import NO_STORE
from ..staff_frame import staff_page
from .report_charts import figures, format_percentage, sections, utilisation_heading
from .report_data import Heat, load_heat, load_steps, read_query
from .report_tables import TABLES


@get(
    "/staff/{clinic_id:int}/numbers",
    operation_id="showNumbers",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    query = await read_query(request, clinic_id)
    language = language_tag_for(request, query.time_zone)
    before = query.period.before
    then, now = await service.totals(
        request.stale_db,
        clinic_id=clinic_id,
        doctor_id=query.doctor_id,
        first=before.first,
        since=query.period.first,
        last=query.period.last,
    )
    steps = await load_steps(request, clinic_id, query)
    by_doctor, by_weekday = await load_heat(request, clinic_id, query)
    day_names = get_day_names("wide", locale=locale_of(language))
    return await staff_page(
        request,
        "staff/reports/reports.html",
        clinic_id=clinic_id,
        place="numbers",
        period=query.period,
        before=before,
        doctors=query.doctors.values(),
        doctor_id=query.doctor_id,
        shortcuts=[(name, *_last(query.today, days)) for name, days in PERIODS.items()],
        figures=figures(language, now, then),
        nothing=not (now.booked or now.published_minutes),
        heats=[
            (
                "utilisation-by-doctor",
                translate(language, "Doctor"),
                [(query.doctors[id].name, cells) for id, cells in by_doctor.items()],
            ),
            (
                "utilisation-by-weekday",
                translate(language, "Weekday"),
                [(day_names[day], by_weekday[day + 1]) for day in week(language) if day + 1 in by_weekday],
            ),
        ],
        hours=_hours(by_weekday),
        percent=partial(format_percentage, language=language),
        sections=sections(language, query.period, steps, now=now, then=then),
        utilisation_heading=utilisation_heading(language, now, then),
    )


def _last(today: date, days: int) -> tuple[date, date]:
    return today - timedelta(days=days - 1), today


def _hours(heat: Heat) -> range:
    """Return the range of hours from the first one with figures to the last."""
    hours = [hour for cells in heat.values() for hour in cells]
    return range(min(hours), max(hours) + 1) if hours else range(0)


@get(
    "/staff/{clinic_id:int}/numbers/{file:str}",
    operation_id="downloadNumbers",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def download(request: Request, clinic_id: FromPath[int], file: FromPath[str]) -> Response[str]:
    """Return a table as CSV (RFC 4180), for programs: with ISO dates, weekdays from 1 (Monday), and counts instead of
    rates.

    The column separator is the one for the reader's region, or else for the clinic's country.
    """
    if file not in TABLES:
        raise errors.NotFound
    query = await read_query(request, clinic_id)
    columns, rows = await TABLES[file](request, clinic_id, query)
    return Response(
        csv_file([columns, *rows], language=language_tag_for(request, query.time_zone)),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{query.period.first}_{query.period.last}_{file}"',
            "Cache-Control": NO_STORE,
        },
    )


PAGES: Final = [show, download]
