"""The queue in front of a clinic's booking pages: its length, and buttons to open and end it."""

from datetime import UTC, datetime, time
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...clinics.clinics import service as clinics
from ...clinics.queues import service
from ...clinics.queues.line import Queues
from ...clinics.queues.model import QueuePatch
from ...http.forms import parse_form
from ...http.languages import language_for, typed_date
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import translate
from ..rendering import redirect
from ..staff_frame import staff_page

PAGE: Final = "/staff/{clinic_id:int}/queue"


@get(PAGE, operation_id="showQueue", opt=route(permission="run-queue", page=True), include_in_schema=False)
async def show(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await _page(request, clinic_id)


async def _page(
    request: Request, clinic_id: int, *, typed: dict[str, str] | None = None, fault: str = "", refusal: str = ""
) -> Response[Any]:
    clinic = await clinics.get(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/clinic/queue.html",
        status_code=400 if fault else 409 if refusal else 200,
        clinic_id=clinic_id,
        place="queue",
        subjects=[str(clinic_id)],
        queue=await service.get(request.db, clinic_id),
        mode=request.services.get(Queues).mode,
        policy=clinic.policy,
        typed=typed or {},
        fault=fault,
        refusal=refusal,
    )


@post(
    PAGE,
    operation_id="changeQueueByForm",
    status_code=HTTP_200_OK,
    opt=route(permission="run-queue", page=True),
    include_in_schema=False,
)
async def change(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Open or end the queue, or announce when booking opens."""
    form, language = await parse_form(request), language_for(request)
    match form.get("act"):
        case "open":
            patch = QueuePatch(open=True)
        case "end":
            patch = QueuePatch(open=False)
        case "withdraw":
            patch = QueuePatch(opens_at=None)
        case "announce":
            clinic = await clinics.get(request.db, clinic_id)
            opens_at = _typed_instant(request, form, clinic.time_zone)
            if opens_at is None or opens_at <= clock.now():
                return await _page(
                    request, clinic_id, typed=form, fault=translate(language, "Enter a date and time in the future.")
                )
            patch = QueuePatch(opens_at=opens_at)
        case _:
            raise errors.NotFound
    queues = request.services.get(Queues)
    try:
        await request.db.atomic(
            service.change, request.user, clinic_id=clinic_id, change=patch, queues=queues, now=clock.now()
        )
    except errors.Conflict as conflict:
        return await _page(request, clinic_id, refusal=translate(language, PROBLEMS[conflict.type].happened))
    await queues.refresh()
    return redirect(f"/staff/{clinic_id}/queue")


def _typed_instant(request: Request, form: dict[str, str], time_zone: str) -> datetime | None:
    """Return the date and time in the form, in the clinic's time zone, or None if either is invalid."""
    day = typed_date(request, form.get("date"), time_zone)
    try:
        at = time.fromisoformat(form.get("time", ""))
        return datetime.combine(day, at, tzinfo=clock.zone(time_zone)).astimezone(UTC) if day else None
    except (ValueError, OverflowError):
        return None


PAGES: Final = [show, change]
