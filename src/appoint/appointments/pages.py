"""The page behind a manage-link: the appointment, and a way to cancel it. Looking changes nothing, for programs that read mail look at links too."""

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from .. import clock, errors, ids, instants
from ..callers import Caller
from ..database.pool import Database, Transaction
from ..versions import etag
from ..web import repository as records
from ..web.pages import OWN, form, go, opened, page
from ..web.problems import PROBLEMS
from ..web.request import Request
from ..web.words import language_for
from ..words import one_line, say
from . import links, repository, service
from .model import STEPS

PUBLIC: Final = opened("public")
LONGEST_REASON: Final = 200


@get("/appointments/{token:str}", operation_id="showAppointmentByLink", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    by = _holder(request, token)
    return await _page(request, by)


@post("/appointments/{token:str}", operation_id="cancelAppointmentByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def cancel(request: Request, token: FromPath[str]) -> Response[Any]:
    """Cancels, and shows the page again."""
    by = _holder(request, token)
    if by is None:
        return await _page(request, None)
    fields = await form(request)
    version = fields.get("version", "")
    try:
        await _database(request, by).atomic(
            _cancel,
            by,
            reason=one_line(fields.get("reason"))[:LONGEST_REASON] or None,
            if_match=etag(int(version)) if re.fullmatch("[1-9][0-9]{0,8}", version) else None,
            now=clock.now(),
        )
    except (errors.Conflict, errors.VersionMismatch, errors.VersionRequired) as refusal:
        return await _page(request, by, refusal=refusal)
    except errors.NotFound:
        return await _page(request, None)
    return go(request.scope["path"])


async def _cancel(tx: Transaction, by: Caller, *, reason: str | None, if_match: str | None, now: datetime) -> None:
    appointment_id = _appointment_id(by)
    await service.cancel(tx, by, appointment_id=appointment_id, reason=reason, if_match=if_match, now=now)
    await _record(tx, by)


async def _page(request: Request, by: Caller | None, *, refusal: errors.AppointError | None = None) -> Response[Any]:
    """The appointment as it stands now, and what stood in the way, if anything did."""
    row = None
    if by:
        db = _database(request, by)
        row = await repository.for_holder(db, clinic_id=ids.clinic_of(_appointment_id(by)), appointment_id=_appointment_id(by))
        await _record(db, by)
    if row is None:
        return page(request, "appointment.html", status_code=404, cache_control=OWN, appointment=None)
    now, language = clock.now(), language_for(request)
    said: dict[str, Any] = {
        "when": instants.moment(row.start_time, row.time_zone, language, end=row.end_time),
        "passed": row.start_time <= now,
        "can_cancel": row.start_time > now and row.status in STEPS["cancel"].sources,
        "refusal": refusal and say(language, PROBLEMS[refusal.type].happened, **refusal.facts),
    }
    status_code = PROBLEMS[refusal.type].status if refusal else 200
    return page(request, "appointment.html", status_code=status_code, cache_control=OWN, appointment=row, **said)


def _holder(request: Request, token: str) -> Caller | None:
    appointment_id = links.appointment_of(request.app.state.secret_key, token)
    if appointment_id is None:
        return None
    return msgspec.structs.replace(
        links.holder(appointment_id), address=request.client.host if request.client else None, doing=str(request.route_handler.operation_id)
    )


def _appointment_id(by: Caller) -> UUID:
    assert by.appointment_id, "a holder's"
    return by.appointment_id


def _database(request: Request, by: Caller) -> Database:
    return request.db.within(ids.clinic_of(_appointment_id(by)))


async def _record(db: Database | Transaction, by: Caller) -> None:
    """By the appointment's id, and never by the address of the page, which lets in whoever reads it."""
    await records.record(db, by, clinic_id=ids.clinic_of(_appointment_id(by)), subjects=[str(by.appointment_id)], reason=None)


PAGES: Final = [show, cancel]
