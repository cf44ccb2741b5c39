"""What the board's panel shows about a patient, for instance while they are on the phone."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from litestar import MediaType, Response, get
from litestar.params import FromPath

from ... import audit
from ...clinics.catalogue import service as catalogue
from ...customers import service as customers
from ...customers import visits
from ...http.forms import parse_id, query_params
from ...http.languages import language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from ...kit.i18n import template_functions
from ...kit.permissions import widest_grant
from ...messaging.notifications import service as notifications
from ...messaging.notifications.kinds import kind_of
from ...messaging.notifications.model import ListedNotification
from ..rendering import NO_STORE, csrf, templates
from .money.account import load_account

MAX_VISITS: Final = 3
"""The maximum number of upcoming visits, and of past ones."""
MAX_MESSAGES: Final = 4


@get(
    "/staff/{clinic_id:int}/patients/{customer_id:uuid}/summary",
    operation_id="showPatientSummary",
    opt=route(permission="see-patients", owned_by="customer_id", page=True),
    include_in_schema=False,
)
async def patient_summary(request: Request, clinic_id: FromPath[int], customer_id: FromPath[UUID]) -> Response[Any]:
    """Return a part of a page: contact details, next and last visits, and sent messages.

    `appointment` in the query is the appointment in the panel, which is left out of the visits.
    """
    now = clock.now()
    patient = await customers.get_patient(request.db, clinic_id, customer_id)
    clinic_catalogue = await catalogue.get(request.db, request.cache, clinic_id)
    language = language_tag_for(request, clinic_catalogue.time_zone)
    filters: dict[str, Any] = {
        "clinic_id": clinic_id,
        "customer_id": customer_id,
        "doctor_id": request.grant.doctor_id,
        "now": now,
        "limit": MAX_VISITS,
    }
    appointment_id = parse_id(query_params(request).get("appointment"))
    upcoming = [visit for visit in await visits.list_upcoming(request.db, **filters) if visit.id != appointment_id][
        :MAX_VISITS
    ]
    past = [
        visit for visit in await visits.list_past(request.db, **filters, before=None) if visit.id != appointment_id
    ][:MAX_VISITS]
    messages: list[ListedNotification] = []
    if widest_grant(request.user, "see-messages", clinic_id):
        messages = await notifications.list_newest(
            request.db, clinic_id=clinic_id, status=None, customer_id=customer_id, before=None, limit=MAX_MESSAGES
        )
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=clinic_id,
        subjects=[customer_id, *(visit.id for visit in (*upcoming, *past)), *(message.id for message in messages)],
    )
    account = await load_account(request, clinic_id, customer_id)
    html = templates.get_template("staff/day/patient_summary.html").render(
        patient=patient,
        age=patient.birth_date and age_on(clock.local_date(now, clinic_catalogue.time_zone), patient.birth_date),
        upcoming=upcoming,
        past=past,
        messages=messages[:MAX_MESSAGES],
        kind_of=kind_of,
        clinic_id=clinic_id,
        account=account,
        appointment_id=appointment_id,
        csrf=csrf(request),
        time_zone=clinic_catalogue.time_zone,
        language=language,
        **template_functions(language),
    )
    return Response(html, media_type=MediaType.HTML, headers={"Cache-Control": NO_STORE})


def age_on(day: date, birth_date: date) -> int:
    """Return the age in completed years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


PAGES: Final = [patient_summary]
