"""A patient's page, for staff."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...customers import service as customers
from ...customers import visits
from ...http.forms import parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 30


@get(
    "/staff/{clinic_id:int}/patients/{customer_id:uuid}",
    operation_id="showPatient",
    opt=route(permission="see-patients", owned_by="customer_id", page=True),
    include_in_schema=False,
)
async def patient(request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]) -> Response[Any]:
    """Show a patient. Doctors see only their own appointments with them."""
    query, now = query_params(request), clock.now()
    details = await customers.get_patient(request.db, clinic_id, customer_id)
    filters: dict[str, Any] = {
        "clinic_id": clinic_id,
        "customer_id": customer_id,
        "doctor_id": request.grant.doctor_id,
        "limit": PAGE_SIZE,
    }
    upcoming = await visits.list_upcoming(request.db, **filters, now=now)
    past = await visits.list_past(request.db, **filters, now=now, before=parse_id(query.get("before")))
    return await staff_page(
        request,
        "staff/patient.html",
        clinic_id=clinic_id,
        place="patients",
        subjects=[customer_id, *(visit.id for visit in (*upcoming[:PAGE_SIZE], *past[:PAGE_SIZE]))],
        patient=details,
        upcoming=upcoming[:PAGE_SIZE],
        past=past[:PAGE_SIZE],
        next=url_with(request, before=past[PAGE_SIZE - 1].id) if len(past) > PAGE_SIZE else None,
    )


PAGES: Final = [patient]
