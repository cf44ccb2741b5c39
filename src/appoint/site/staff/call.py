"""A video visit for staff: the way into the call, the waiting patient, and how late the doctor is running."""

from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ... import audit
from ...calls.guests import service as guests
from ...calls.guests.model import MAX_GUESTS
from ...calls.joining import service
from ...calls.joining.links import join_url
from ...calls.joining.service import MAX_NAME_LENGTH
from ...calls.providers.failures import SENTENCES, ProviderFailure
from ...calls.providers.gateway import create_providers, default_gateway
from ...calls.recordings import service as recordings
from ...http.forms import parse_form, parse_id, query_params
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, ids
from ...kit.actors import Actor
from ...kit.i18n import one_line, translate
from ...messaging.channels.service import available_channels
from ...messaging.notifications import join_links
from ..patient.join import REFRESH_SECONDS, to_room
from ..patient.manage_link import describe_refusal
from ..rendering import allow_form_target, redirect
from ..staff_frame import staff_page

PAGE: Final = "/staff/{clinic_id:int}/appointments/{appointment_id:uuid}/call"
RUN: Final = route(permission="run-appointments", owned_by="appointment_id", page=True)
DELAYS: Final = (5, 10, 15, 20, 30, 45, 60)
"""How many minutes late the doctor can be running."""


@get(PAGE, operation_id="showCall", opt=RUN, include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int], appointment_id: FromPath[UUID]) -> Response[Any]:
    return await _page(request, clinic_id, appointment_id)


@post(PAGE, operation_id="changeCallByForm", status_code=HTTP_200_OK, opt=RUN, include_in_schema=False)
async def change(request: Request, clinic_id: FromPath[int], appointment_id: FromPath[UUID]) -> Response[Any]:
    """Let the patient in and enter the call, say how late the doctor is running, end the call, or try again to make its
    room."""
    form, now, db, user = await parse_form(request), clock.now(), request.db, request.user
    act, common = form.get("act", ""), {"appointment_id": appointment_id}
    here = f"/staff/{clinic_id}/appointments/{appointment_id}/call"
    if act == "open":
        return await _open(request, clinic_id, appointment_id)
    if act == "send":
        return await _send_link(request, clinic_id, appointment_id)
    if act == "delay":
        minutes = form.get("minutes", "")
        delay = next((each for each in DELAYS if str(each) == minutes), None)
        await db.atomic(service.set_delay, _doing(user, operation="delayCall"), **common, minutes=delay)
    elif act == "end":
        await db.atomic(service.end, _doing(user, operation="endCall"), **common, now=now)
    elif act == "renew":
        default = default_gateway(request.services.settings)
        with suppress(errors.NotFound, errors.Conflict):  # a job has created the room in the meantime
            await db.atomic(
                service.renew, _doing(user, operation="renewCall"), **common, default_gateway=default, now=now
            )
    elif act == "invite":
        if name := one_line(form.get("name", ""))[:MAX_NAME_LENGTH]:
            await db.atomic(guests.invite, actor=_doing(user, operation="inviteGuest"), **common, name=name)
    elif guest_id := parse_id(act.removeprefix("revoke-")):
        actor = _doing(user, operation="revokeGuest")
        await db.atomic(guests.revoke, actor, **common, guest_id=guest_id, now=now)
    elif act in ("record", "dont-record"):
        await _decide_recording(request, appointment_id, now if act == "record" else None)
    else:
        raise errors.NotFound
    return redirect(here)


def _doing(user: Actor, *, operation: str) -> Actor:
    """Return the actor with the operation that the button stands for, so that the audit log names it."""
    return msgspec.structs.replace(user, operation=operation)


async def _send_link(request: Request, clinic_id: int, appointment_id: UUID) -> Response[Any]:
    """Send the patient their link again, and say so, or say why that is not possible."""
    settings = request.services.settings
    try:
        # the recipients include guardians, who need not be patients of the clinic
        await request.services.db.across().atomic(
            join_links.send,
            _doing(request.user, operation="sendJoinLink"),
            appointment_id=appointment_id,
            channels=available_channels(settings),
            default_gateway=default_gateway(settings),
            now=clock.now(),
        )
    except errors.Conflict as refusal:
        return await _page(request, clinic_id, appointment_id, refusal=describe_refusal(request, refusal))
    return redirect(f"/staff/{clinic_id}/appointments/{appointment_id}/call?sent=1")


async def _decide_recording(request: Request, appointment_id: UUID, now: datetime | None) -> None:
    """Raise `NotFound` for anyone but the appointment's doctor."""
    visit = await service.get_visit(request.db, appointment_id)
    if visit.call is None or not service.is_doctor(request.user, visit):
        raise errors.NotFound
    await request.db.atomic(
        recordings.request,
        _doing(request.user, operation="decideRecording"),
        appointment_id=appointment_id,
        call_id=visit.call.id,
        now=now,
    )


async def _open(request: Request, clinic_id: int, appointment_id: UUID) -> Response[Any]:
    user = request.user
    try:
        address = await service.enter_as_doctor(
            request.db,
            _doing(user, operation="admitPatient"),
            appointment_id=appointment_id,
            providers=create_providers(request.services.settings),
            now=clock.now(),
        )
    except ProviderFailure:
        address = None
    if address:
        return to_room(address)
    attempt = _doing(user, operation="tryToAdmitPatient")
    await audit.record(request.db, attempt, clinic_id=clinic_id, subjects=[appointment_id])
    refusal = translate(language_for(request), "The room isn’t ready. Please try again in a moment.")
    return await _page(request, clinic_id, appointment_id, refusal=refusal, is_recorded=True)


async def _page(
    request: Request, clinic_id: int, appointment_id: UUID, *, refusal: str | None = None, is_recorded: bool = False
) -> Response[Any]:
    """Render the page. `is_recorded` says that the audit log already has an entry for it."""
    if ids.clinic_of(appointment_id) != clinic_id:
        raise errors.NotFound
    now = clock.now()
    visit = await service.get_visit(request.db, appointment_id)
    is_doctor = service.is_doctor(request.user, visit)
    page = await staff_page(
        request,
        "staff/day/call.html",
        clinic_id=clinic_id,
        place="day",
        call_failures=SENTENCES,
        subjects=None if is_recorded else [appointment_id],
        visit=visit,
        stage=visit.doctor_stage(now),
        is_doctor=is_doctor,
        refusal=refusal,
        is_sent="sent" in query_params(request),
        now=now,
        patient_link=join_url(
            request.services.settings.links_url, request.services.secret_key, appointment_id, visit.link_number
        ),
        can_send=visit.needs_call(default_gateway(request.services.settings), now),
        recording=await recordings.find_terms(request.db, appointment_id),
        recordings=await recordings.list_stored(request.db, appointment_id) if is_doctor else (),
        day=clock.local_date(visit.start_time, visit.time_zone),
        waited=visit.waited(now),
        delays=[*DELAYS],
        guests=await guests.list_with_links(
            request.db,
            appointment_id,
            origin=request.services.settings.links_url,
            secret=request.services.secret_key,
        ),
        max_guests=MAX_GUESTS,
        refresh_seconds=REFRESH_SECONDS,
    )
    if not is_doctor:
        return page
    return allow_form_target(
        page, await service.find_origin(request.db, visit, create_providers(request.services.settings))
    )


PAGES: Final = [show, change]
