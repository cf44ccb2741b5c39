"""“My appointments”: a signed-in patient's appointments at all clinics. Works without JavaScript."""

from datetime import timedelta
from typing import Any, Final

from litestar import Response, get, post

from ... import audit
from ...booking import links
from ...booking import service as appointments
from ...booking.model import LIVE, CustomerVisit, Status
from ...calls.joining import service as joining
from ...calls.providers.gateway import default_gateway
from ...customers import service as customers
from ...customers.guardians import service as guardians
from ...http.access import COOKIE
from ...http.cookies import linked_customers_of, set_linked_customers, set_session_cookie
from ...http.forms import parse_form, parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...identity.sign_in_codes import service
from ...kit import clock
from ...kit.ids import PLATFORM
from ..rendering import NO_STORE, redirect, render

MY_APPOINTMENTS: Final = "/my"
LASTING: Final = frozenset(Status) - {Status.CANCELLED}
"""The statuses of appointments that were not cancelled."""
MAX_APPOINTMENTS: Final = 100


@get(
    MY_APPOINTMENTS,
    operation_id="showOwnAppointments",
    opt=route(permission="see-customers", page=True, narrows=True),
    include_in_schema=False,
)
async def my_appointments(request: Request) -> Response[Any]:
    customer_id = request.user.customer_id
    if customer_id is None:  # the caller is the administrator
        return redirect("/staff")
    now, secret = clock.now(), request.services.secret_key
    customer, others = await customers.find_linked_customers(request.db, customer_id, linked_customers_of(request))
    wards = await guardians.list_wards(request.db, guardian_id=customer_id, clinic_id=None, now=now)
    carers = await guardians.list_guardians(request.db, ward_id=customer_id, clinic_id=None, now=now)
    visits = await appointments.list_visits(
        request.db,
        customer_ids=[customer_id, *(other.id for other in others)],
        wards=[(ward.ward_id, ward.clinic_id) for ward in wards],
        now=now,
        limit=MAX_APPOINTMENTS,
    )
    await audit.record(
        request.services.db,
        request.user,
        clinic_id=PLATFORM,
        subjects=[customer.id, *(visit.id for visit in visits), *(each.guardian_id for each in carers)],
    )
    numbers = {each.id: each.link_number for each in visits if each.status in LIVE}
    joins = await joining.find_join_links(
        request.db, secret, numbers, default_gateway=default_gateway(request.services.settings), now=now
    )
    linked = [(visit, f"/appointments/{links.token(secret, visit.id, visit.link_number)}") for visit in visits]

    def is_ahead(visit: CustomerVisit) -> bool:
        """Return whether the visit has not started, or is a video visit that the patient can still join."""
        ends_at = joins[visit.id].closes_at if visit.id in joins else visit.start_time
        return ends_at >= now and visit.status in LIVE

    return render(
        request,
        "patient/my_appointments.html",
        cache_control=NO_STORE,
        clinic_zone=visits[0].time_zone if visits else None,
        customer=customer,
        others=others,
        carers=carers,
        now=now,
        joins=joins,
        upcoming=[(visit, link) for visit, link in linked if is_ahead(visit)],
        past=[(visit, link) for visit, link in reversed(linked) if not is_ahead(visit) and visit.status in LASTING],
        cancelled=[(visit, link) for visit, link in reversed(linked) if visit.status == Status.CANCELLED],
        saved="saved" in query_params(request),
        clinics={visit.slug or visit.clinic_id: visit.clinic for visit in visits if visit.active},
    )


@post(
    MY_APPOINTMENTS,
    operation_id="becomeAnother",
    status_code=303,
    opt=route(permission="see-customers", page=True, narrows=True),
    include_in_schema=False,
)
async def switch_customer(request: Request) -> Response[Any]:
    """Switch to another customer who shares the address."""
    customer_id = parse_id((await parse_form(request)).get("customer"))
    linked_customers, session_token = linked_customers_of(request), request.cookies.get(COOKIE)
    if request.user.customer_id is None or customer_id is None or linked_customers is None or session_token is None:
        return redirect(MY_APPOINTMENTS)
    now = clock.now()
    # the new session must not outlast the one that was opened with the code
    lifetime = linked_customers.since + timedelta(hours=request.services.settings.session_hours) - now
    if lifetime <= timedelta():
        return redirect(MY_APPOINTMENTS)
    token = await request.db.atomic(
        service.switch_customer,
        request.user,
        customer_id=customer_id,
        linked=linked_customers,
        current_token=session_token,
        lifetime=lifetime,
        now=now,
    )
    response = redirect(MY_APPOINTMENTS)
    set_session_cookie(response, token, lifetime)
    set_linked_customers(response, request.services.secret_key, token, linked_customers, lifetime)
    return response


@get(
    f"{MY_APPOINTMENTS}/data",
    operation_id="showOwnData",
    opt=route(permission="account", page=True, recent_proof=True),
    include_in_schema=False,
)
async def own_data(request: Request) -> Response[Any]:
    """Redirect to the patient's export. Patients who signed in some time ago have to sign in again first."""
    if request.user.customer_id is None:
        return redirect(MY_APPOINTMENTS)
    return redirect(f"/api/customers/{request.user.customer_id}/export?format=html")


PAGES: Final = [my_appointments, switch_customer, own_data]
