"""The page that shows an appointment to the holder of its manage link."""

from typing import Any, Final

from litestar import Response

from ...booking import links
from ...booking.model import LIVE, Status
from ...calls.guests import service as guests
from ...calls.guests.model import MAX_GUESTS, InvitedGuest
from ...calls.joining import service as joining
from ...calls.joining.model import JoinLink, Visit
from ...calls.providers.gateway import default_gateway
from ...http.cookies import booked_token_of
from ...http.forms import query_params
from ...http.languages import language_tag_for
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...kit import errors
from ...kit.calendar_entries import CalendarEntry, calendar_entry, web_calendar_links
from ...payments.billing import service as billing
from ...payments.billing.wording import describe_settlement
from .manage_link import (
    LinkedAppointment,
    describe_refusal,
    linked_page,
    list_others,
    load_appointment,
    not_found_page,
    path_of,
)

ENDED: Final = frozenset({Status.CANCELLED, Status.NOSHOW})


async def refused_page(request: Request, token: str, refusal: errors.AppointError) -> Response[Any]:
    """Show the appointment as it is now, and explain why the change was refused."""
    linked = await load_appointment(request, token)
    return await appointment_page(request, linked, token, refusal=refusal) if linked else not_found_page(request)


async def appointment_page(
    request: Request, linked: LinkedAppointment, token: str, *, refusal: errors.AppointError | None = None
) -> Response[Any]:
    query, appointment = query_params(request), linked.appointment
    is_booker = booked_token_of(request) == token
    join = await find_join_link(request, linked, token)
    return linked_page(
        request,
        "patient/appointment.html",
        linked,
        status_code=PROBLEMS[refusal.type].status if refusal else 200,
        address=path_of(token),
        link=link_of(request, token),
        web_calendars=web_calendar_links(calendar_entry_of(request, linked, token, join)),
        notice_minutes=linked.catalogue.cancel_notice_minutes,
        live=appointment.status in LIVE,
        is_new="new" in query,
        # shown only to the browser that made the booking
        reached_at=appointment.sent_to if is_booker else None,
        others=await list_others(request, linked, token) if is_booker else [],
        join=join,
        no_video=None if join else await find_visit_without_video(request, linked),
        guests=await _list_guests(request, linked) if join else [],
        max_guests=MAX_GUESTS,
        is_moved="moved" in query,
        money=await money_sentences(request, linked) if appointment.status in ENDED else [],
        refusal=refusal and refusal.type != "too-late" and describe_refusal(request, refusal),
        refused_late=refusal and refusal.type == "too-late",
    )


async def money_sentences(request: Request, linked: LinkedAppointment) -> list[str]:
    """Say what happens to the money now that the appointment has been cancelled or missed, or if it is cancelled."""
    appointment = linked.appointment
    of_clinic = request.services.db.within(appointment.clinic_id)
    settlement = await billing.get_settlement(of_clinic, appointment.id, now=linked.now)
    return describe_settlement(settlement, language_tag_for(request, appointment.time_zone))


async def find_join_link(request: Request, linked: LinkedAppointment, token: str) -> JoinLink | None:
    """Return where the patient joins a video visit, until it is over."""
    appointment, secret = linked.appointment, request.services.secret_key
    if appointment.mode != "online":
        return None
    joins = await joining.find_join_links(
        request.services.db.within(appointment.clinic_id),
        secret,
        {appointment.id: links.number_of(secret, token)},
        default_gateway=default_gateway(request.services.settings),
        now=linked.now,
    )
    return joins.get(appointment.id)


async def find_visit_without_video(request: Request, linked: LinkedAppointment) -> Visit | None:
    """Return the video visit if it has no room because the clinic no longer has video visits."""
    appointment = linked.appointment
    if appointment.mode != "online" or appointment.status not in LIVE:
        return None
    visit = await joining.get_visit(request.services.db.within(appointment.clinic_id), appointment.id)
    is_held = appointment.status == Status.PENDING  # so it has no room yet
    return visit if (visit.choice == "off" if is_held else visit.stage(linked.now) == "unavailable") else None


async def _list_guests(request: Request, linked: LinkedAppointment) -> list[InvitedGuest]:
    return await guests.list_with_links(
        request.services.db.within(linked.appointment.clinic_id),
        linked.appointment.id,
        origin=request.services.settings.links_url,
        secret=request.services.secret_key,
    )


def calendar_entry_of(request: Request, linked: LinkedAppointment, token: str, join: JoinLink | None) -> CalendarEntry:
    """Return the appointment as calendars receive it, without the patient's name."""
    appointment = linked.appointment
    return calendar_entry(
        language_tag_for(request, appointment.time_zone),
        clinic=appointment.clinic,
        doctor=appointment.doctor,
        type=appointment.type,
        online=appointment.mode == "online",
        address=appointment.address,
        phone=appointment.phone,
        start=appointment.start_time,
        end=appointment.end_time,
        time_zone=appointment.time_zone,
        link=link_of(request, token),
        can_change=linked.can_cancel and not linked.is_late,
        join_url=join and request.services.settings.links_url + join.path,
    )


def link_of(request: Request, token: str) -> str:
    """Return the page's full URL."""
    return request.services.settings.links_url + path_of(token)
