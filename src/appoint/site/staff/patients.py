"""A clinic's patients on staff's pages: who they are, and how to find one."""

from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from ...customers import repository
from ...customers.model import search_terms
from ...http.forms import parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ..rendering import url_with
from ..staff_frame import staff_page

MOST: Final = 50
LONGEST: Final = 200


@get(
    "/staff/{clinic_id:int}/patients",
    operation_id="showPatients",
    opt=route(permission="see-patients", page=True, narrows=True),
    include_in_schema=False,
)
async def patients(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    said = query_params(request)
    q, after = said.get("q", "")[:LONGEST], parse_id(said.get("after"))
    found = await repository.list_patients(
        request.db,
        clinic_id,
        doctor_id=request.grant.doctor_id,
        terms=search_terms(q, language_for(request)),
        after=(after,) if after else None,
        limit=MOST,
    )
    shown = found[:MOST]
    return await staff_page(
        request,
        "staff/patients.html",
        clinic_id=clinic_id,
        place="patients",
        subjects=[patient.id for patient in shown],
        patients=shown,
        q=q,
        next=url_with(request, after=shown[-1].id) if len(found) > MOST else None,
    )


PAGES: Final = [patients]
