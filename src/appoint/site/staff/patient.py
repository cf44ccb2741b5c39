"""A patient's page, for staff."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...booking.joins import service as joins
from ...booking.joins.model import SimilarPatient
from ...customers import lists, visits
from ...customers import service as customers
from ...customers.corrections import service as corrections
from ...customers.guardians import service as guardians
from ...customers.guardians.model import Guardianship
from ...customers.lists import ListedPatient
from ...customers.model import search_terms
from ...http.forms import parse_id, query_params
from ...http.languages import language_names, language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.permissions import widest_grant
from ..rendering import redirect, url_with
from ..staff_frame import staff_page
from .money.account import load_account

PAGE_SIZE: Final = 30
MAX_NAME_LENGTH: Final = 200
MAX_CANDIDATES: Final = 10


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
    if details.id != customer_id:  # the record is joined with others
        return redirect(f"/staff/{clinic_id}/patients/{details.id}")
    joined = await joins.list_joined(request.db, clinic_id=clinic_id, patient=details)
    similar: list[SimilarPatient] = []
    manages = widest_grant(request.user, "manage-patients", clinic_id) is not None
    if manages:
        similar = await joins.list_similar(request.db, clinic_id=clinic_id, patient=details)
    carers: list[Guardianship] = []
    if manages:
        carers = await guardians.list_guardians(
            request.services.db.across(), ward_id=details.id, clinic_id=clinic_id, now=now
        )
    search = query.get("guardian", "")[:MAX_NAME_LENGTH]
    candidates: list[ListedPatient] = []
    if manages and search:
        terms = search_terms(search, language_tag_for(request))
        matches = await lists.list_by_name(
            request.db, clinic_id, doctor_id=None, terms=terms, initial=None, after=None, limit=MAX_CANDIDATES
        )
        candidates = [each for each in matches if each.id != details.id]
    filters: dict[str, Any] = {
        "clinic_id": clinic_id,
        "customer_id": customer_id,
        "doctor_id": request.grant.doctor_id,
        "limit": PAGE_SIZE,
    }
    account = await load_account(request, clinic_id, details.id)
    upcoming = await visits.list_upcoming(request.db, **filters, now=now)
    past = await visits.list_past(request.db, **filters, now=now, before=parse_id(query.get("before")))
    return await staff_page(
        request,
        "staff/patients/patient.html",
        clinic_id=clinic_id,
        place="patients",
        subjects=[
            customer_id,
            *(record.customer_id for record in joined),
            *(record.customer_id for record in similar),
            *(carer.guardian_id for carer in carers),
            *(each.id for each in candidates),
            *(visit.id for visit in (*upcoming[:PAGE_SIZE], *past[:PAGE_SIZE])),
            *(invoice.id for invoice in (account.invoices if account else ())),
        ],
        patient=details,
        joined=joined,
        similar=similar,
        carers=carers,
        search=search,
        candidates=candidates,
        corrections=await corrections.list_newest(request.db, clinic_id=clinic_id, customer_id=customer_id),
        language_choices=list(language_names(request).items()),
        upcoming=upcoming[:PAGE_SIZE],
        past=past[:PAGE_SIZE],
        account=account,
        next=url_with(request, before=past[PAGE_SIZE - 1].id) if len(past) > PAGE_SIZE else None,
    )


@get(
    "/staff/{clinic_id:int}/patients/new",
    operation_id="showNewPatient",
    opt=route(permission="manage-patients", page=True),
    include_in_schema=False,
)
async def new_patient(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the form that registers a patient without an appointment."""
    return await staff_page(
        request,
        "staff/patients/new.html",
        clinic_id=clinic_id,
        place="patients",
        name=query_params(request).get("name", "")[:MAX_NAME_LENGTH],
        language_choices=list(language_names(request).items()),
    )


PAGES: Final = [new_patient, patient]
