"""A clinic's invoices by status, patient and day of issue, and new drafts."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ....clinics.clinics import service as clinics
from ....customers import service as customers
from ....http.forms import parse_date, parse_form, parse_id, query_params
from ....http.request import Request
from ....kit import clock, errors
from ....payments.billing import on_request
from ....payments.invoices import service
from ....payments.invoices.model import InvoiceContent
from ....payments.totals import service as totals
from ...rendering import redirect, url_with
from ...staff_frame import staff_page
from .parts import BILL

PAGE: Final = "/staff/{clinic_id:int}/invoices"
PAGE_SIZE: Final = 50
STATUSES: Final = ("open", "overdue", "draft", "settled", "all")


@get(PAGE, operation_id="showInvoices", opt=BILL, include_in_schema=False)
async def invoices(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the open invoices, or others by status, patient and day of issue."""
    query = query_params(request)
    patient_id, status = parse_id(query.get("patient")), query.get("status", "")
    status = status if status in STATUSES else "all" if patient_id else "open"
    first, last = parse_date(query.get("from")), parse_date(query.get("to"))
    clinic = await clinics.get(request.db, clinic_id)
    today = clock.local_date(clock.now(), clinic.time_zone)
    matches = await totals.list_invoices(
        request.db,
        clinic_id=clinic_id,
        customer_id=patient_id,
        status=None if status == "all" else status,
        first_day=first,
        last_day=last,
        today=today,
        before=parse_id(query.get("before")),
        limit=PAGE_SIZE,
    )
    page = matches[:PAGE_SIZE]
    people = [*{invoice.customer_id for invoice in page}, *([patient_id] if patient_id else [])]
    return await staff_page(
        request,
        "staff/money/invoices.html",
        clinic_id=clinic_id,
        place="invoices",
        subjects=[*(invoice.id for invoice in page), *people],
        invoices=page,
        names=await customers.load_patient_names(request.db, clinic_id, people),
        totals=await totals.sum_up_invoices(request.db, clinic_id=clinic_id, customer_id=patient_id, today=today),
        today=today,
        status=status,
        patient_id=patient_id,
        first=first,
        last=last,
        tabs=[(each, url_with(request, status=each, before=None)) for each in STATUSES],
        next=url_with(request, status=status, before=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


@post(PAGE, operation_id="draftInvoiceByForm", status_code=HTTP_200_OK, opt=BILL, include_in_schema=False)
async def draft(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Draft an invoice for an appointment or for a patient, and open it. If the appointment has been billed, open that
    invoice."""
    form = await parse_form(request)
    appointment_id, patient_id = parse_id(form.get("appointment")), parse_id(form.get("patient"))
    if appointment_id:
        invoice = await request.db.atomic(
            on_request.bill_appointment,
            request.user,
            clinic_id=clinic_id,
            appointment_id=appointment_id,
            now=clock.now(),
        )
    elif patient_id:
        content = InvoiceContent(customer_id=patient_id, lines=[])
        invoice = await request.db.atomic(
            service.draft, request.user, clinic_id=clinic_id, content=content, now=clock.now()
        )
    else:
        raise errors.NotFound
    return redirect(f"/staff/{clinic_id}/invoices/{invoice.id}")


PAGES: Final = [invoices, draft]
