"""The pages that lead to a booking: a clinic, and its available times.

In a frame on a clinic's own site, they are under /embed instead of /c. Each page runs a fixed number of queries, no
matter how many clinics, doctors and times there are.
"""

from collections.abc import Callable
from datetime import date
from random import SystemRandom
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from ...booking.availability.model import OfferedTime
from ...booking.half_days import Half
from ...clinics.catalogue.model import CatalogueDoctor
from ...http.forms import parse_date, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import clock
from .. import assets
from ..rendering import redirect
from . import face
from .booking_choice import read_others
from .clinic_visit import ClinicVisit, visit_clinic
from .month import MAX_DOCTOR_LINKS, TimeFilter, load_month
from .rush_times import is_rush, pick_from_halves, spread

EMBED_SCRIPT_SECONDS: Final = 3600
CHANCE: Final = SystemRandom()


@get(
    ["/c/{name:str}", "/embed/{name:str}"],
    operation_id="showClinic",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def clinic(request: Request, name: FromPath[str]) -> Response[Any]:
    """Show a clinic. This takes a single query, or none if the clinic is in the cache."""
    visit, query = await visit_clinic(request, name), query_params(request)
    day, doctor = parse_date(query.get("date")), visit.doctor(query.get("doctor"), None)
    catalogue, types = visit.catalogue, visit.catalogue.bookable_types
    types_of_doctor = [type for type in types if doctor in visit.doctors_for(type)]
    return visit.render(
        "patient/clinic.html",
        others=read_others(visit),
        types=types_of_doctor or types,
        doctor=doctor if types_of_doctor else None,
        doctors=visit.doctors_for(None),
        address_of=_address_of_doctor(visit, day),
        on=day,
        opening=face.opening_state(catalogue.profile, catalogue.time_zone, visit.tag, clock.now()),
        opening_hours=face.opening_lines(catalogue.profile, visit.tag),
        map=face.map_url(catalogue),
    )


def _address_of_doctor(visit: ClinicVisit, day: date | None) -> Callable[[CatalogueDoctor], str | None]:
    doctors_by_type = [(type, visit.doctors_for(type)) for type in visit.catalogue.bookable_types]

    def address(doctor: CatalogueDoctor) -> str | None:
        """Return the URL of the doctor's times if they offer only one thing, or else of the page for choosing what to
        book.
        """
        type_ids = [type.id for type, doctors in doctors_by_type if doctor in doctors]
        if len(type_ids) == 1 or visit.whole_slots:
            return visit.address("/times", type=type_ids[0] if type_ids else None, doctor=doctor.id, date=day)
        return visit.address(doctor=doctor.id, date=day) if type_ids else None

    return address


@get(
    ["/c/{name:str}/times", "/embed/{name:str}/times"],
    operation_id="showTimes",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def times(request: Request, name: FromPath[str]) -> Response[Any]:
    """Show the doctors to choose from, a month of days, and one day's times."""
    visit, query = await visit_clinic(request, name), query_params(request)
    type = visit.type(query.get("type"))
    if type is None and not visit.whole_slots:
        return redirect(visit.address())
    doctor = visit.doctor(query.get("doctor"), type)
    filter = TimeFilter(type and type.id, None, doctor and doctor.id)
    month = await load_month(request, visit.catalogue, query, filter, now=clock.now())
    any_time: dict[Half, OfferedTime] = {}
    if is_rush(request, visit.catalogue.clinic_id):
        month = spread(month, visit.catalogue.time_zone, CHANCE)
        any_time = pick_from_halves(month.times, visit.catalogue.time_zone, CHANCE) if type else {}
    return visit.render(
        "patient/times.html",
        others=read_others(visit),
        type=type,
        doctor=doctor,
        doctors=visit.doctors_for(type),
        max_doctor_links=MAX_DOCTOR_LINKS,
        month=month,
        any_time=any_time,
    )


@get("/embed.js", operation_id="getEmbedScript", opt=route(permission="public"), include_in_schema=False)
async def embed_script(request: Request) -> Response[bytes]:
    """Return the script that embeds booking in a clinic's site.

    Its URL never changes, so caches keep it only briefly.
    """
    response = assets.respond(request, assets.built()["embed.js"], f"public, max-age={EMBED_SCRIPT_SECONDS}")
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


PAGES: Final = [clinic, times, embed_script]
