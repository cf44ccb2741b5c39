"""RFC 9457 problem documents: every type there is, and how an error becomes one. The only place that chooses a status code for an error."""

from typing import Any, Final, NamedTuple

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from .. import errors
from .words import language_of, say

log = structlog.get_logger()


class Problem(NamedTuple):
    status: int
    title: str
    detail: str
    """What happened and what to change; `{names}` are facts of the error."""


PROBLEMS: Final[dict[str, Problem]] = {
    "malformed-json": Problem(
        400, "The body cannot be read", "The body of this request is not one JSON document. Send valid JSON in UTF-8, with each key once."
    ),
    "invalid-request": Problem(400, "The request is not valid", "Something in the request is missing, unknown or out of range. Change what “errors” lists."),
    "unauthorized": Problem(401, "Who are you?", "This needs a valid token in the Authorization header: “Bearer” and the token."),
    "forbidden": Problem(403, "Not allowed", "You may not do this."),
    "not-found": Problem(404, "Not found", "There is nothing here, or it is not yours to see."),
    "method-not-allowed": Problem(405, "This method is not allowed here", "The address exists, but not for this method. The Allow header lists those it has."),
    "version-mismatch": Problem(
        412, "It has changed meanwhile", "If-Match names another version than the current one. Read it again, and repeat your change on what you find."
    ),
    "body-too-large": Problem(413, "The body is too large", "The body of a request may have 1 MiB at most."),
    "unsupported-media-type": Problem(
        415, "The content type is not supported", "Send the body as application/json; a PATCH may also be application/merge-patch+json."
    ),
    "idempotency-key-reused": Problem(
        422, "The idempotency key was used before", "This Idempotency-Key came with another request before. Use a new key for a new request."
    ),
    "version-required": Problem(428, "A version is required", "This clinic asks for If-Match with the version that you change: the ETag of what you read."),
    "internal-error": Problem(500, "Something went wrong", "The fault is ours. Nothing was changed. Please try again, and tell us the request id if it stays."),
    "unavailable": Problem(503, "Not available at the moment", "A part of Appoint is away for a moment. Nothing was changed. Please try again shortly."),
    # why a booking was refused
    "in-the-past": Problem(409, "That time has passed", "The time lies in the past. Choose a later one."),
    "clinic-inactive": Problem(409, "The clinic takes no bookings", "This clinic is not active."),
    "doctor-inactive": Problem(409, "The doctor takes no bookings", "This doctor is not active at the clinic any more. Choose another doctor."),
    "not-offered": Problem(409, "Not offered", "This is not offered, or not by this doctor. Choose another appointment type or another doctor."),
    "crosses-midnight": Problem(
        409, "An appointment ends on the day it starts", "The time crosses midnight in the clinic's zone. Choose one that lies within one day."
    ),
    "too-soon": Problem(409, "Too soon", "The clinic asks for more notice than this. Choose a later time."),
    "too-far": Problem(409, "Too far ahead", "The clinic does not take bookings that far ahead yet. Choose an earlier time."),
    "outside-hours": Problem(409, "Outside the doctor's hours", "The doctor's published hours do not cover this time. Choose one of the alternatives."),
    "customer-busy": Problem(409, "Another appointment at that time", "The customer has another appointment at this clinic then. Choose another time."),
    "taken": Problem(409, "That time is taken", "Somebody has this time already. Choose one of the alternatives."),
    # appointments
    "hold-expired": Problem(409, "The hold has expired", "This time was held, and the hold has run out. Book again."),
    "wrong-status": Problem(409, "Not possible in this status", "An appointment that is “{status}” cannot be made “{wanted}”."),
    "not-started": Problem(409, "It has not started yet", "Nobody can miss an appointment before it starts."),
    # clinics, doctors, customers
    "clinic-in-use": Problem(
        409,
        "The clinic is in use",
        "The clinic still has {doctors} active doctors and {timeSlots} active time slots. Deactivate them first, or use cascade=true.",
    ),
    "live-appointments": Problem(409, "Appointments are still to come", "{appointments} appointments are still to come. Move or cancel them first."),
    "slots-published": Problem(
        409, "Hours are published", "Hours are published from now on, and their times would shift. Withdraw the future booking slots first."
    ),
    "slug-taken": Problem(409, "That short name is taken", "Another clinic has this slug. Choose another one."),
    "doctor-has-appointments": Problem(
        409, "The doctor has appointments", "{appointments} appointments with this doctor are still to come. Move or cancel them first."
    ),
    "customer-has-appointments": Problem(
        409, "The customer has appointments", "{appointments} appointments of this customer are still to come. Move or cancel them first."
    ),
    "record-number-taken": Problem(409, "That record number is taken", "Another patient of this clinic has this record number."),
    "which-clinic": Problem(409, "Which clinic?", "There is not exactly one clinic here. Name one with clinicId."),
    # schedules and slots
    "time-slots-intersect": Problem(409, "Time slots intersect", "This time shares minutes with another time slot of the clinic. Choose a time that does not."),
    "time-slot-in-use": Problem(409, "The time slot is in use", "{doctorSlots} lines of weekly schedules use this time slot. Remove them first."),
    "schedule-lines-overlap": Problem(409, "Schedule lines overlap", "The doctor has another schedule line on that weekday at that time. Change one of them."),
    "slots-overlap": Problem(409, "Booking slots overlap", "The doctor has another booking slot at that time. Change its bounds instead."),
    "slot-has-appointments": Problem(409, "The slot has appointments", "Appointments stand on this time. Move or cancel them first."),
    "appointments-in-the-way": Problem(
        409, "Appointments are in the way", "{count} appointments lie in this time. Move or cancel them first, or use force=true to keep them for rebooking."
    ),
    "appointments-stranded": Problem(
        409,
        "Appointments would be stranded",
        "{count} appointments would lie outside the new hours. Move or cancel them first, or keep them with stranded “keep”.",
    ),
}
MEDIA_TYPE: Final = "application/problem+json"


def document(
    request: Request[Any, Any, Any],
    type: str,
    /,
    *,
    faults: tuple[errors.Fault, ...] = (),
    facts: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """The problem as the caller reads it."""
    problem = PROBLEMS[type]
    facts = facts or {}
    language = language_of(request.headers.get("accept-language"))
    content: dict[str, Any] = {
        "type": f"/problems/{type}",
        "title": say(language, problem.title),
        "status": problem.status,
        "detail": say(language, problem.detail, **facts),
        "instance": request.scope["path"],
        "requestId": request.state.get("request_id"),
    }
    if problem.status == 409:
        content["reason"] = type
    if faults:
        content["errors"] = [{"pointer": fault.pointer, "detail": say(language, fault.text, **fault.values)} for fault in faults]
    return Response(
        msgspec.json.encode({**content, **facts}),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Content-Language": language, "Cache-Control": "no-store", **(headers or {})},
    )


def on_refusal(request: Request[Any, Any, Any], error: errors.AppointError) -> Response[bytes]:
    headers: dict[str, str] = {}
    faults: tuple[errors.Fault, ...] = ()
    match error:
        case errors.Unauthorized():
            headers["WWW-Authenticate"] = 'Bearer realm="appoint"'
        case errors.Unavailable(retry_after_seconds=seconds):
            headers["Retry-After"] = str(seconds)
        case errors.Invalid():
            faults = error.faults
        case _:
            pass
    return document(request, error.type, faults=faults, facts=error.facts, headers=headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework refuses by itself: paths, methods, sizes."""
    by_status = {
        400: "invalid-request",
        401: "unauthorized",
        403: "forbidden",
        404: "not-found",
        405: "method-not-allowed",
        413: "body-too-large",
        415: "unsupported-media-type",
        503: "unavailable",
    }
    if error.status_code not in by_status:
        return on_bug(request, error)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return document(request, by_status[error.status_code], headers=headers)


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("bug", error=type(error).__name__, exc_info=error)
    return document(request, "internal-error")


HANDLERS: Final[ExceptionHandlersMap] = {errors.AppointError: on_refusal, HTTPException: on_http_error, Exception: on_bug}
