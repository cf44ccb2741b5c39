"""Opening a colleague's patient in an emergency, and the list of these cases for managers to review."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...clinics.doctors import service as doctors
from ...customers import service as customers
from ...http.forms import parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...oversight.emergency_access import service
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 50


@get(
    "/staff/{clinic_id:int}/patients/{customer_id:uuid}/emergency",
    operation_id="showEmergencyForm",
    opt=route(permission="emergency-access", page=True),
    include_in_schema=False,
)
async def open_in_emergency(request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]) -> Response[Any]:
    """Ask a doctor for the reason. The page reveals nothing about the patient, except that the clinic has a patient
    with this id.
    """
    await customers.get_patient(request.db, clinic_id, customer_id)
    return await staff_page(
        request, "staff/emergency/open.html", clinic_id=clinic_id, place="patients", customer_id=customer_id
    )


@get(
    "/staff/{clinic_id:int}/emergencies",
    operation_id="showEmergencyAccess",
    opt=route(permission="manage-access", page=True),
    include_in_schema=False,
)
async def review(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """List cases of emergency access, by default only those that no one has reviewed yet."""
    query = query_params(request)
    everything = "all" in query
    matches = await service.list_newest(
        request.db,
        clinic_id=clinic_id,
        reviewed=None if everything else False,
        before=parse_id(query.get("before")),
        limit=PAGE_SIZE,
    )
    page = matches[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/emergency/review.html",
        clinic_id=clinic_id,
        place="emergencies",
        subjects=[*(access.id for access in page), *dict.fromkeys(access.customer_id for access in page)],
        accesses=page,
        everything=everything,
        doctors=await doctors.names(request.db, clinic_id),
        patients=await customers.load_patient_names(
            request.db, clinic_id, list({access.customer_id for access in page})
        ),
        next=url_with(request, before=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


PAGES: Final = [open_in_emergency, review]
