"""The pages behind a manage link, where its holder can view, confirm and cancel an appointment.

GET requests don't change anything, because mail scanners open links too.
"""

from datetime import timedelta
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from ...booking import links, transitions
from ...booking import service as appointments
from ...booking.model import LIVE
from ...http.forms import parse_form
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import one_line, translate
from ...kit.icalendar_files import invitation, organizer
from ..rendering import NO_STORE, redirect
from .appointment_page import (
    appointment_page,
    calendar_entry_of,
    find_join_link,
    find_visit_without_video,
    money_sentences,
    refused_page,
)
from .manage_link import (
    appointment_id,
    database,
    holder,
    linked_page,
    load_appointment,
    not_found_page,
    path_of,
    version_in,
)

PUBLIC: Final = route(permission="public", page=True)
PAGE: Final = "/appointments/{token:str}"
MAX_REASON_LENGTH: Final = 200
ALARM: Final = timedelta(days=1)
"""How long before the appointment the downloaded calendar entry reminds its owner."""
REFUSALS: Final = (errors.Conflict, errors.VersionMismatch, errors.VersionRequired)


@get(PAGE, operation_id="showAppointmentByLink", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    linked = await load_appointment(request, token)
    if linked is None:
        return not_found_page(request)
    if linked.appointment.code_sent_to:
        return redirect(linked.confirm_path(token))
    if linked.deposit:
        return redirect(f"{path_of(token)}/pay")
    return await appointment_page(request, linked, token)


@get(
    ["/a/{code:str}", "/a/{code:str}/move"],
    operation_id="followShortLink",
    opt=route(permission="public", page=True, rate_limit="search"),
    include_in_schema=False,
)
async def follow_short_link(request: Request, code: FromPath[str]) -> Response[Any]:
    """Send the holder of a text message's link to the appointment's page, which checks whether the link is valid."""
    token = links.token_of_code(request.services.secret_key, code)
    if token is None:
        return not_found_page(request)
    return redirect(path_of(token) + ("/move" if request.url.path.endswith("/move") else ""))


@get(PAGE + "/calendar.ics", operation_id="getAppointmentCalendarByLink", opt=PUBLIC, include_in_schema=False)
async def calendar(request: Request, token: FromPath[str]) -> Response[Any]:
    """Return a calendar file. The event has the same id as emailed invitations, so calendars do not list it twice."""
    linked = await load_appointment(request, token)
    if linked is None or linked.appointment.status not in LIVE:
        return not_found_page(request)
    appointment = linked.appointment
    file = invitation(
        "PUBLISH",
        **calendar_entry_of(request, linked, token, await find_join_link(request, linked, token))._asdict(),
        join_label=translate(language_for(request), "Video visit"),
        id=appointment.id,
        sequence=appointment.sequence,
        stamp=appointment.updated_at,
        organizer=organizer(appointment.clinic, request.services.settings.mail_from),
        attendee=None,
        alarm=ALARM,
    )
    headers = {
        "Cache-Control": NO_STORE,
        "X-Robots-Tag": "noindex",
        "Content-Disposition": 'attachment; filename="appointment.ics"',
    }
    return Response(file, media_type="text/calendar", headers=headers)


@post(PAGE + "/confirm", operation_id="confirmAppointmentByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def confirm(request: Request, token: FromPath[str]) -> Response[Any]:
    """Confirm an appointment that is on hold."""
    actor = await holder(request, token)
    if actor is None:
        return not_found_page(request)
    try:
        details = await appointments.find_for_holder(database(request, actor), appointment_id(actor))
        if details and details.code_sent_to:
            return redirect(path_of(token))
        await database(request, actor).atomic(
            transitions.apply, actor, appointment_id=appointment_id(actor), name="confirm", now=clock.now()
        )
    except REFUSALS as refusal:
        return await refused_page(request, token, refusal)
    except errors.NotFound:
        return not_found_page(request)
    return redirect(f"{path_of(token)}?new=1")


@get(PAGE + "/cancel", operation_id="showCancelByLink", opt=PUBLIC, include_in_schema=False)
async def confirm_cancelling(request: Request, token: FromPath[str]) -> Response[Any]:
    """Ask whether to cancel the appointment."""
    linked = await load_appointment(request, token)
    if linked is None:
        return not_found_page(request)
    if not linked.can_cancel or linked.is_late:
        return redirect(path_of(token))
    return linked_page(
        request,
        "patient/cancel.html",
        linked,
        address=path_of(token),
        money=await money_sentences(request, linked),
        no_video=await find_visit_without_video(request, linked),
    )


@post(PAGE + "/cancel", operation_id="cancelAppointmentByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def cancel(request: Request, token: FromPath[str]) -> Response[Any]:
    actor = await holder(request, token)
    if actor is None:
        return not_found_page(request)
    fields = await parse_form(request)
    try:
        await database(request, actor).atomic(
            transitions.cancel,
            actor,
            appointment_id=appointment_id(actor),
            reason=one_line(fields.get("reason"))[:MAX_REASON_LENGTH] or None,
            if_match=version_in(fields),
            now=clock.now(),
        )
    except REFUSALS as refusal:
        return await refused_page(request, token, refusal)
    except errors.NotFound:
        return not_found_page(request)
    return redirect(path_of(token))


PAGES: Final = [show, follow_short_link, calendar, confirm, confirm_cancelling, cancel]
