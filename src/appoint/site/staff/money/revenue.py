"""A clinic's revenue by month and by appointment type, with a CSV file."""

from datetime import date
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from ....clinics.clinics import service as clinics
from ....http.forms import parse_date, query_params
from ....http.languages import language_tag_for
from ....http.request import Request
from ....http.routes import route
from ....kit import clock
from ....kit.money import Money, format_amount
from ....kit.spreadsheets import csv_file
from ....payments.totals import service
from ...rendering import NO_STORE
from ...staff_frame import staff_page
from .revenue_charts import revenue_charts

PAGE: Final = "/staff/{clinic_id:int}/revenue"
REPORT: Final = route(permission="refund", page=True)
MONTHS: Final = 12
MAX_MONTHS: Final = 60


@get(PAGE, operation_id="showRevenue", opt=REPORT, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the revenue of the last twelve months or of a chosen period."""
    first, last, today = await _period(request, clinic_id)
    months = await service.sum_up_months(request.db, clinic_id=clinic_id, first_day=first, last_day=last)
    clinic = await clinics.get(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/money/revenue.html",
        clinic_id=clinic_id,
        place="revenue",
        first=first,
        last=last,
        months=months,
        charts=revenue_charts(language_tag_for(request, clinic.time_zone), months),
        types=await service.sum_up_types(request.db, clinic_id=clinic_id, first_day=first, last_day=last),
        totals=await service.sum_up_invoices(request.db, clinic_id=clinic_id, today=today),
        money=Money,
    )


@get(f"{PAGE}.csv", operation_id="downloadRevenue", opt=REPORT, include_in_schema=False)
async def download(request: Request, clinic_id: FromPath[int]) -> Response[str]:
    """Return the months as CSV (RFC 4180), with ISO dates and amounts in major units."""
    first, last, _ = await _period(request, clinic_id)
    months = await service.sum_up_months(request.db, clinic_id=clinic_id, first_day=first, last_day=last)
    clinic = await clinics.get(request.db, clinic_id)
    rows = [
        (
            f"{month.since:%Y-%m}",
            month.currency,
            *(
                format_amount(Money(amount, month.currency))
                for amount in (month.issued, month.corrected, month.tax, month.paid, month.refunded, month.open)
            ),
        )
        for month in months
    ]
    header = ("month", "currency", "issued", "corrected", "tax", "paid", "refunded", "open")
    return Response(
        csv_file([header, *rows], language=language_tag_for(request, clinic.time_zone)),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{first}_{last}_revenue.csv"',
            "Cache-Control": NO_STORE,
        },
    )


async def _period(request: Request, clinic_id: int) -> tuple[date, date, date]:
    """Return the first and last day, and today. Both ends are moved to whole months."""
    query, clinic = query_params(request), await clinics.get(request.db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    last = parse_date(query.get("to")) or today
    first = parse_date(query.get("from")) or _months_before(last, MONTHS - 1)
    earliest = _months_before(last, MAX_MONTHS - 1)
    return min(max(first.replace(day=1), earliest), last.replace(day=1)), last, today


def _months_before(day: date, months: int) -> date:
    """Return the first day of the month this many months earlier, but not before year 1."""
    month = max(day.year * 12 + day.month - 1 - months, 12)
    return date(month // 12, month % 12 + 1, 1)


PAGES: Final = [show, download]
