"""Appointments that people booked without signing in, for staff to review and cancel in bulk."""

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...booking.strangers import service
from ...booking.strangers.model import LABEL, StrangerSelection
from ...clinics.catalogue import service as catalogues
from ...http.forms import parse_id, parse_instant, query_params
from ...http.languages import typed_date
from ...http.request import Request
from ...http.routes import route
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 100
MAX_FIELD_LENGTH: Final = 254


@get(
    "/staff/{clinic_id:int}/strangers",
    operation_id="showStrangerAppointments",
    opt=route(permission="review-bookings", page=True),
    include_in_schema=False,
)
async def strangers(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show the appointments that were booked without signing in, newest first, with a form to cancel them."""
    query = {name: value[:MAX_FIELD_LENGTH].strip() for name, value in query_params(request).items()}
    network = query.get("network", "")
    time_zone = (await catalogues.get(request.db, request.cache, clinic_id)).time_zone
    days = {name: typed_date(request, query.get(name), time_zone) for name in ("from", "to")}
    matches = await service.list_newest(
        request.services.db.across(),
        clinic_id,
        StrangerSelection(
            bytes.fromhex(network) if re.fullmatch(LABEL, network) else None,
            query.get("address", "").lower() or None,
            days["from"],
            days["to"],
            "all" not in query,
            _place(query.get("before", "")),
            PAGE_SIZE,
        ),
    )
    page = matches[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/strangers.html",
        clinic_id=clinic_id,
        place="strangers",
        subjects=[appointment.id for appointment in page],
        appointments=page,
        filters=query,
        days=days,
        addresses={
            network: url_with(request, network=network, before=None)
            for appointment in page
            for network in appointment.networks
        },
        next=url_with(request, before=f"{page[-1].created_at.isoformat()} {page[-1].id}")
        if len(matches) > PAGE_SIZE
        else None,
    )


def _place(text: str) -> tuple[datetime, UUID] | None:
    """Return the time and id of the appointment after which the page begins, or None for the first page."""
    first, _, last = text.partition(" ")
    made_at, id = parse_instant(first), parse_id(last)
    return (made_at, id) if made_at and id else None


PAGES: Final = [strangers]
