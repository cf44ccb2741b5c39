"""The patients that the desk's booking panel suggests while their name is typed."""

from typing import Any, Final

import msgspec
from litestar import MediaType, Response, get
from litestar.params import FromPath

from ... import audit
from ...clinics.catalogue import service as catalogue
from ...customers import lists
from ...customers.model import search_terms
from ...http.forms import query_params
from ...http.languages import language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit import phones, regions
from ..rendering import NO_STORE

MAX_SUGGESTIONS: Final = 8
MAX_SEARCH_LENGTH: Final = 200


@get(
    "/staff/{clinic_id:int}/people.json",
    operation_id="suggestPeople",
    opt=route(permission="see-patients", page=True, narrows=True),
    include_in_schema=False,
)
async def people(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Return matching patients, with phone numbers as people in the reader's region dial them."""
    clinic_catalogue = await catalogue.get(request.db, request.cache, clinic_id)
    tag = language_tag_for(request, clinic_catalogue.time_zone)
    terms = search_terms(query_params(request).get("q", "")[:MAX_SEARCH_LENGTH], tag)
    matches = (
        await lists.list_by_name(
            request.db,
            clinic_id,
            doctor_id=request.grant.doctor_id,
            terms=terms,
            initial=None,
            after=None,
            limit=MAX_SUGGESTIONS,
        )
        if terms
        else []
    )
    suggestions = matches[:MAX_SUGGESTIONS]
    await audit.record(
        request.services.db, request.user, clinic_id=clinic_id, subjects=[patient.id for patient in suggestions]
    )
    region = regions.region_of(tag)
    items = [
        {
            "customerId": patient.id,
            "name": patient.name,
            "email": patient.email,
            "phone": patient.phone and phones.format_local(patient.phone, region),
            "birthDate": patient.birth_date,
        }
        for patient in suggestions
    ]
    content = {"items": items, "hasMore": len(matches) > MAX_SUGGESTIONS}
    return Response(msgspec.json.encode(content), media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


PAGES: Final = [people]
