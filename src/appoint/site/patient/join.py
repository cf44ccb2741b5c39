"""The page behind a join link: the waiting room, and the way into the call. It works without scripts.

Only a press of a button changes anything or reveals a room, because mail scanners open links too.
"""

import math
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from ...booking import links as manage_links
from ...calls.joining import links, service
from ...calls.joining.links import LinkHolder
from ...calls.joining.model import Stage, Visit
from ...calls.providers.failures import ProviderFailure
from ...calls.providers.gateway import create_providers
from ...calls.recordings import service as recordings
from ...clinics.catalogue import service as catalogues
from ...database.pool import Database
from ...http.forms import parse_form
from ...http.languages import language_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, ids
from ...kit.actors import Actor
from ..rendering import NO_STORE, allow_form_target, redirect, render
from .face import accent_style

PAGE: Final = "/join/{code:str}"
PUBLIC: Final = route(permission="public", page=True, rate_limit="search")
REFRESH_SECONDS: Final = 10
"""How often the waiting room looks whether the doctor has let the patient in."""
MAX_EARLY_SECONDS: Final = 12 * 3600
"""How long before the waiting room opens the page waits for that."""


@get(PAGE, operation_id="showJoinPage", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, code: FromPath[str]) -> Response[Any]:
    invitation = await _find(request, code)
    return await _page(request, code, *invitation) if invitation else _not_found(request)


@post(PAGE + "/wait", operation_id="waitByJoinLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def wait(request: Request, code: FromPath[str]) -> Response[Any]:
    """Enter the waiting room. Guests wait without being announced."""
    invitation = await _find(request, code)
    if invitation is None:
        return _not_found(request)
    party, visit = invitation
    if party.guest_id is None:
        await request.services.db.within(visit.clinic_id).atomic(
            service.wait, _actor(request, party), appointment_id=visit.appointment_id, now=clock.now()
        )
    return redirect(f"/join/{code}")


@post(PAGE + "/enter", operation_id="enterCallByJoinLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def enter(request: Request, code: FromPath[str]) -> Response[Any]:
    """Redirect to the room, once the doctor has let the patient in."""
    invitation = await _find(request, code)
    if invitation is None:
        return _not_found(request)
    party, visit = invitation
    try:
        address = await service.enter(
            request.services.db.within(visit.clinic_id),
            _actor(request, party),
            party=party,
            providers=create_providers(request.services.settings),
            now=clock.now(),
        )
    except ProviderFailure:
        return await _page(request, code, party, visit, has_failed=True)
    return to_room(address) if address else redirect(f"/join/{code}")


@post(PAGE + "/recording", operation_id="consentToRecording", status_code=303, opt=PUBLIC, include_in_schema=False)
async def consent(request: Request, code: FromPath[str]) -> Response[Any]:
    """Agree to the recording of this visit. Only the patient can, not their guests."""
    form = await parse_form(request)
    common = await _recording_arguments(request, code)
    if common and form.get("agrees") == "yes":
        db, actor, appointment_id = common
        await db.atomic(
            recordings.consent,
            actor,
            appointment_id=appointment_id,
            language=str(language_for(request)),
            now=clock.now(),
        )
    return redirect(f"/join/{code}") if common else _not_found(request)


@post(
    PAGE + "/recording/withdraw",
    operation_id="withdrawRecordingConsent",
    status_code=303,
    opt=PUBLIC,
    include_in_schema=False,
)
async def withdraw(request: Request, code: FromPath[str]) -> Response[Any]:
    """Withdraw the consent, which also deletes what has been recorded."""
    common = await _recording_arguments(request, code)
    if common:
        db, actor, appointment_id = common
        await db.atomic(recordings.withdraw, actor, appointment_id=appointment_id, now=clock.now())
    return redirect(f"/join/{code}") if common else _not_found(request)


async def _recording_arguments(request: Request, code: str) -> tuple[Database, Actor, UUID] | None:
    invitation = await _find(request, code)
    if invitation is None or invitation[0].guest_id:
        return None
    party, visit = invitation
    return request.services.db.within(visit.clinic_id), _actor(request, party), visit.appointment_id


def to_room(address: str) -> Response[Any]:
    """Redirect to a provider's room. The address admits its holder, so neither caches nor other sites may learn it."""
    response = redirect(address)
    response.set_header("Referrer-Policy", "no-referrer")
    return response


async def _find(request: Request, code: str) -> tuple[LinkHolder, Visit] | None:
    now, db = clock.now(), request.services.db
    party = await links.find_party(db, request.services.secret_key, code, now)
    if party is None:
        return None
    try:
        return party, await service.get_visit(db.within(ids.clinic_of(party.appointment_id)), party.appointment_id)
    except errors.NotFound:
        return None


def _actor(request: Request, party: LinkHolder) -> Actor:
    actor = Actor(party.key) if party.guest_id else manage_links.holder(party.appointment_id)
    return msgspec.structs.replace(
        actor,
        address=request.client.host if request.client else None,
        operation=str(request.route_handler.operation_id),
    )


async def _page(
    request: Request, code: str, party: LinkHolder, visit: Visit, *, has_failed: bool = False
) -> Response[Any]:
    """Render the page. `has_failed` says that the provider has just not let them in."""
    now, db = clock.now(), request.services.db.within(visit.clinic_id)
    catalogue = await catalogues.get(db, request.cache, visit.clinic_id)
    stage = visit.stage(now)
    recording = None if party.guest_id else await recordings.find_terms(db, visit.appointment_id)
    page = render(
        request,
        "patient/join.html",
        cache_control=NO_STORE,
        clinic_zone=visit.time_zone,
        accent=accent_style(catalogue.profile.colour),
        linked_clinic=catalogue,
        visit=visit,
        party=party,
        stage=stage,
        has_failed=has_failed,
        recording=recording,
        now=now,
        address=f"/join/{code}",
        refresh_seconds=_refresh_seconds(visit, stage, now),
    )
    if stage == "admitted":
        providers = create_providers(request.services.settings)
        return allow_form_target(page, await service.find_origin(db, visit, providers))
    return page


def _refresh_seconds(visit: Visit, stage: Stage, now: datetime) -> int | None:
    """Return after how many seconds the page is out of date, or None if it will not change by itself for hours."""
    if stage == "early":
        seconds = math.ceil((visit.opens_at - now).total_seconds())
        return seconds if seconds <= MAX_EARLY_SECONDS else None
    return REFRESH_SECONDS if stage in ("preparing", "ready", "waiting", "broken", "ended") else None


def _not_found(request: Request) -> Response[Any]:
    return render(request, "patient/join_not_found.html", status_code=404, cache_control=NO_STORE)


PAGES: Final = [show, wait, enter, consent, withdraw]
