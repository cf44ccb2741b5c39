"""For staff: a clinic's patients in alphabetical order, with a search box."""

from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from ...customers import lists, service
from ...customers.model import search_terms
from ...http.forms import parse_id, query_params
from ...http.languages import language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit.permissions import widest_grant
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 50
MAX_SEARCH_LENGTH: Final = 200


@get(
    "/staff/{clinic_id:int}/patients",
    operation_id="showPatients",
    opt=route(permission="see-patients", page=True, narrows=True),
    include_in_schema=False,
)
async def patients(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    query = query_params(request)
    q = query.get("q", "")[:MAX_SEARCH_LENGTH]
    initial = query.get("initial", "")[:1]
    matches = await lists.list_by_name(
        request.db,
        clinic_id,
        doctor_id=request.grant.doctor_id,
        terms=search_terms(q, language_tag_for(request)),
        initial=initial if initial.isalpha() else None,
        after=parse_id(query.get("after")),
        limit=PAGE_SIZE,
    )
    initials = await lists.list_initials(request.db, clinic_id) if request.grant.doctor_id is None else []
    page = matches[:PAGE_SIZE]
    # doctors don't see colleagues' patients, but must be able to find one in an emergency
    colleagues = q and not page and widest_grant(request.user, "emergency-access", clinic_id)
    return await staff_page(
        request,
        "staff/patients/list.html",
        clinic_id=clinic_id,
        place="patients",
        subjects=[patient.id for patient in page],
        patients=page,
        q=q,
        initial=initial.upper(),
        initials=[(letter, url_with(request, initial=letter, after=None, q=None)) for letter in initials],
        in_emergency=await service.find_patient_id(request.db, clinic_id, q.strip()) if colleagues else None,
        next=url_with(request, after=page[-1].id) if len(matches) > PAGE_SIZE else None,
    )


PAGES: Final = [patients]
