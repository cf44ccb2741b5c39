"""RFC 9457 problem documents: every type there is, and how an error becomes one. The only place that chooses a status
code for an error."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import UNSET, UnsetType

from ..kit import errors, fields
from ..kit.i18n import translate
from .languages import language_for

log = structlog.get_logger()


class Problem(NamedTuple):
    """`happened` and `remedy` together are the document's `detail`; their `{names}` are facts of the error, of which
    `facts` is an example."""

    status: int
    title: str
    happened: str
    remedy: str = ""
    facts: Mapping[str, Any] = MappingProxyType({})


class Alternative(msgspec.Struct, frozen=True, rename="camel"):
    """A time that could be booked instead."""

    start_time: fields.Instant
    end_time: fields.Instant
    doctor_id: UUID


class FaultDocument(msgspec.Struct, frozen=True):
    """One thing wrong with a request: where, and what."""

    pointer: Annotated[str, msgspec.Meta(examples=["#/name"])]
    """`#/name` in the body (a JSON pointer), `?limit` in the query, or a header's name."""
    detail: Annotated[str, msgspec.Meta(examples=["is missing"])]


class ProblemDocument(msgspec.Struct, frozen=True, rename="camel"):
    """What went wrong (RFC 9457). Facts of the problem stand beside these members."""

    type: Annotated[str, msgspec.Meta(examples=["/problems/not-found"])]
    """Which problem it is: the address of its page. It never changes; title and detail follow `Accept-Language`."""
    title: str
    status: int
    detail: str
    """What happened, and what to change."""
    instance: str
    """The address that was asked."""
    request_id: str
    """What our log has about this request."""
    reason: str | UnsetType = UNSET
    """For 409: why the state of the world says no; the last part of `type`."""
    errors: list[FaultDocument] | UnsetType = UNSET
    """For 400: all that is wrong with the request."""
    alternatives: list[Alternative] | UnsetType = UNSET
    """For a time that cannot be booked: up to five that can, nearest first."""
    index: int | UnsetType = UNSET
    """For several appointments: which of them was refused, from 0."""


ALTERNATIVES: Final = {
    "alternatives": [
        {
            "startTime": "2027-03-01T09:00:00Z",
            "endTime": "2027-03-01T09:30:00Z",
            "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
        }
    ]
}
LISTED: Final = {
    "count": 1,
    "appointments": [
        {
            "id": "00000001-0197-818c-8c22-0201f9661508",
            "version": 1,
            "createdAt": "2027-02-01T10:15:00Z",
            "updatedAt": "2027-02-01T10:15:00Z",
            "bookingId": "00000001-0197-80c6-8cdb-0bf82d28ab11",
            "clinicId": 1,
            "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
            "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
            "appointmentTypeId": None,
            "startTime": "2027-03-01T08:30:00Z",
            "endTime": "2027-03-01T09:00:00Z",
            "timeZone": "Europe/Berlin",
            "status": "booked",
            "holdExpiresAt": None,
            "cancelReason": None,
            "needsRebooking": False,
            "price": None,
            "notes": None,
            "overrides": [],
            "overrideReason": None,
        }
    ],
}
PROBLEMS: Final[dict[str, Problem]] = {
    "malformed-json": Problem(
        400,
        "The body cannot be read",
        "The body of this request is not one JSON document.",
        "Send valid JSON in UTF-8, with each key once.",
    ),
    "invalid-request": Problem(
        400,
        "The request is not valid",
        "Something in the request is missing, unknown or out of range.",
        "Change what “errors” lists.",
    ),
    "unauthorized": Problem(
        401,
        "Who are you?",
        "This needs a valid token.",
        "Send it in the Authorization header: “Bearer”, a space and the token.",
    ),
    "wrong-credentials": Problem(
        401,
        "You are not signed in",
        "The e-mail address, the password or the code is wrong.",
        "Try again, or ask for a link to choose another password.",
    ),
    "totp-required": Problem(
        401,
        "A code is needed",
        "This account asks for a code beside the password.",
        "Send the six digits that your authenticator shows as “totp”.",
    ),
    "wrong-code": Problem(
        401,
        "The code is not good",
        "This code is wrong, was used, or has run out.",
        "Look at the newest message, or ask for another code.",
    ),
    "forbidden": Problem(403, "Not allowed", "You may not do this.", "Ask somebody at the clinic who may."),
    "not-found": Problem(
        404,
        "Not found",
        "There is nothing here, or it is not yours to see.",
        "Check the address and the ids in the request.",
    ),
    "method-not-allowed": Problem(
        405,
        "This method is not allowed here",
        "The address exists, but not for this method.",
        "Use one of those that the Allow header lists.",
    ),
    "version-mismatch": Problem(
        412,
        "It has changed meanwhile",
        "If-Match names another version than the current one.",
        "Read it again, and repeat your change on what you find.",
    ),
    "body-too-large": Problem(
        413, "The body is too large", "The body of a request may have 1 MiB at most.", "Send less at once."
    ),
    "unsupported-media-type": Problem(
        415,
        "The content type is not supported",
        "The body is in a format that is not read here.",
        "Send it as application/json; a PATCH may also be application/merge-patch+json.",
    ),
    "idempotency-key-reused": Problem(
        422,
        "The idempotency key was used before",
        "This Idempotency-Key came with another request before.",
        "Use a new key for a new request.",
    ),
    "version-required": Problem(
        428,
        "A version is required",
        "This clinic asks which version you change.",
        "Send If-Match with the ETag of what you read.",
    ),
    "too-many-requests": Problem(
        429,
        "Too many requests",
        "More was asked from here than is answered in this time.",
        "Wait as many seconds as Retry-After says.",
    ),
    "internal-error": Problem(
        500,
        "Something went wrong",
        "The fault is ours.",
        "Please try again with the same Idempotency-Key, and tell us the request id if it stays.",
    ),
    "unavailable": Problem(
        503,
        "Not available at the moment",
        "A part of Appoint is away for a moment.",
        "Please try again shortly, with the same Idempotency-Key: then nothing is done twice.",
    ),
    # why a booking was refused
    "in-the-past": Problem(
        409, "That time has passed", "The time lies in the past.", "Choose a later time.", ALTERNATIVES
    ),
    "clinic-inactive": Problem(
        409,
        "The clinic takes no bookings",
        "This clinic is not active.",
        "Choose another clinic.",
        {"alternatives": []},
    ),
    "doctor-inactive": Problem(
        409,
        "The doctor takes no bookings",
        "This doctor is not active at the clinic any more.",
        "Choose another doctor.",
        ALTERNATIVES,
    ),
    "not-offered": Problem(
        409,
        "Not offered",
        "This is not offered, or not by this doctor.",
        "Choose another appointment type or another doctor.",
        ALTERNATIVES,
    ),
    "crosses-midnight": Problem(
        409,
        "An appointment ends on the day it starts",
        "The time crosses midnight in the clinic's zone.",
        "Choose one that lies within one day.",
        ALTERNATIVES,
    ),
    "too-soon": Problem(
        409, "Too soon", "The clinic asks for more notice than this.", "Choose a later time.", ALTERNATIVES
    ),
    "too-far": Problem(
        409,
        "Too far ahead",
        "The clinic does not take bookings that far ahead yet.",
        "Choose an earlier time.",
        ALTERNATIVES,
    ),
    "outside-hours": Problem(
        409,
        "Outside the doctor's hours",
        "The doctor's published hours do not cover this time.",
        "Choose one of the alternatives.",
        ALTERNATIVES,
    ),
    "customer-busy": Problem(
        409,
        "Another appointment at that time",
        "The customer has another appointment at this clinic then.",
        "Choose another time.",
        ALTERNATIVES,
    ),
    "too-many-appointments": Problem(
        409,
        "Too many appointments",
        "The customer has as many appointments to come at this clinic as one can have by oneself.",
        "Ask the clinic to book, or cancel one first.",
        {"alternatives": []},
    ),
    "too-many-holds": Problem(
        409,
        "Too many times are held",
        "The customer holds as many times at this clinic as one can.",
        "Confirm or cancel one first.",
        {"alternatives": []},
    ),
    "taken": Problem(
        409, "That time is taken", "Somebody has this time already.", "Choose one of the alternatives.", ALTERNATIVES
    ),
    # appointments
    "hold-expired": Problem(
        409, "The hold has expired", "This time was held, and the hold has run out.", "Book again."
    ),
    "wrong-status": Problem(
        409,
        "Not possible in this status",
        "An appointment that is “{appointmentStatus}” cannot be made “{wanted}”.",
        "Read the appointment again; the documentation lists the moves there are.",
        {"appointmentStatus": "cancelled", "wanted": "arrived"},
    ),
    "too-late": Problem(
        409,
        "Too late to cancel or move",
        "The clinic asks for notice of {minutes} minutes to cancel or move an appointment.",
        "Call the clinic.",
        {"minutes": 1440, "phone": "+493012345678"},
    ),
    "not-started": Problem(
        409,
        "It has not started yet",
        "Nobody can miss an appointment before it starts.",
        "Wait until it has started, or cancel it.",
    ),
    # clinics, doctors, customers
    "clinic-in-use": Problem(
        409,
        "The clinic is in use",
        "Doctors still active: {doctors}; time slots still active: {timeSlots}.",
        "Deactivate them first, or together with the clinic.",
        {"doctors": 3, "timeSlots": 2},
    ),
    "live-appointments": Problem(
        409,
        "Appointments are still to come",
        "Appointments still to come: {count}.",
        "Move or cancel them first.",
        {"count": 4},
    ),
    "slots-published": Problem(
        409,
        "Hours are published",
        "Hours are published from now on, and their times would shift.",
        "Withdraw the future booking slots first.",
    ),
    "slug-taken": Problem(409, "That short name is taken", "Another clinic has this slug.", "Choose another slug."),
    "doctor-has-appointments": Problem(
        409,
        "The doctor has appointments",
        "Appointments with this doctor still to come: {count}.",
        "Move or cancel them first.",
        {"count": 4},
    ),
    "customer-has-appointments": Problem(
        409,
        "The customer has appointments",
        "Appointments of this customer still to come: {count}.",
        "Move or cancel them first.",
        {"count": 4},
    ),
    "customer-erased": Problem(
        409,
        "The customer was erased",
        "Everything that was known of this customer was erased, for good.",
        "Register them anew, if they come again.",
    ),
    "record-number-taken": Problem(
        409,
        "That record number is taken",
        "Another patient of this clinic has this record number.",
        "Choose another record number.",
    ),
    "which-clinic": Problem(409, "Which clinic?", "There is not exactly one clinic here.", "Name one with clinicId."),
    # schedules and slots
    "time-slots-intersect": Problem(
        409,
        "Time slots intersect",
        "This time shares minutes with another time slot of the clinic.",
        "Choose another time.",
    ),
    "time-slot-in-use": Problem(
        409,
        "The time slot is in use",
        "Lines of weekly schedules that use this time slot: {doctorSlots}.",
        "Remove them first.",
        {"doctorSlots": 2},
    ),
    "schedule-lines-overlap": Problem(
        409,
        "Schedule lines overlap",
        "The doctor has another schedule line on that weekday at that time.",
        "Change one of them.",
    ),
    "slots-overlap": Problem(
        409, "Booking slots overlap", "The doctor has another booking slot at that time.", "Change its bounds instead."
    ),
    "slot-has-appointments": Problem(
        409, "The slot has appointments", "Appointments stand on this time.", "Move or cancel them first."
    ),
    "appointments-in-the-way": Problem(
        409,
        "Appointments are in the way",
        "Appointments in this time: {count}.",
        "Move or cancel them first, or keep them for rebooking.",
        LISTED,
    ),
    "appointments-stranded": Problem(
        409,
        "Appointments would be stranded",
        "Appointments outside the new hours: {count}.",
        "Move or cancel them first, or keep them for rebooking.",
        LISTED,
    ),
    # notifications and webhooks
    "not-resendable": Problem(
        409,
        "Not to be sent again",
        "A notification that is “{notificationStatus}” cannot be sent again.",
        "Only one that is sent or dead can.",
        {"notificationStatus": "queued"},
    ),
    "too-many-webhooks": Problem(
        409,
        "Too many webhooks",
        "This clinic has {most} webhooks, which is as many as it can have.",
        "Remove one that is not needed first.",
        {"most": 20},
    ),
    # users and their accounts
    "already-member": Problem(
        409, "They work here already", "A user of this clinic has this e-mail address.", "Change what they are instead."
    ),
    "already-joined": Problem(
        409,
        "They have joined already",
        "The user has signed in since they were invited.",
        "With a forgotten password they ask for a link themselves.",
    ),
    "last-manager": Problem(
        409, "The last manager", "The clinic would have no manager any more.", "Make somebody else a manager first."
    ),
    "link-used": Problem(
        409,
        "The link has been used",
        "A password was chosen since the link was mailed.",
        "Sign in with it, or ask for a new link.",
    ),
    "link-expired": Problem(
        409,
        "The link is too old",
        "An invitation is good for seven days, and a link for a new password for one hour.",
        "Ask for a new one.",
    ),
    "totp-on": Problem(409, "Codes are asked for already", "This account has an authenticator.", "Remove it first."),
    "totp-not-begun": Problem(
        409, "No authenticator is being set up", "There is no secret to confirm.", "Begin with POST /api/account/totp."
    ),
    # who may ask
    "too-many-api-keys": Problem(
        409,
        "Too many API keys",
        "This clinic has {most} API keys, which is as many as it can have.",
        "Remove one that is not needed first.",
        {"most": 100},
    ),
}
MEDIA_TYPE: Final = "application/problem+json"


def document(
    request: Request[Any, Any, Any],
    type: str,
    /,
    *,
    faults: tuple[errors.Fault, ...] = (),
    facts: Mapping[str, Any] = MappingProxyType({}),
    headers: dict[str, str] | None = None,
) -> Response[bytes]:
    """The problem as the caller reads it."""
    language = language_for(request)
    content = described(
        type,
        language,
        instance=request.scope["path"],
        request_id=request.state.get("request_id", ""),
        faults=faults,
        facts=facts,
    )
    return Response(
        msgspec.json.encode(content),
        status_code=PROBLEMS[type].status,
        media_type=MEDIA_TYPE,
        headers={"Content-Language": language, "Cache-Control": "no-store", **(headers or {})},
    )


def described(
    type: str,
    language: str,
    /,
    *,
    instance: str,
    request_id: str,
    faults: tuple[errors.Fault, ...] = (),
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """The members of the document, facts and all."""
    problem = PROBLEMS[type]
    members = ProblemDocument(
        type=f"/problems/{type}",
        title=translate(language, problem.title),
        status=problem.status,
        detail=" ".join(translate(language, text, **facts) for text in (problem.happened, problem.remedy) if text),
        instance=instance,
        request_id=request_id,
        reason=type if problem.status == 409 else UNSET,
        errors=[FaultDocument(fault.pointer, translate(language, fault.text, **fault.values)) for fault in faults]
        or UNSET,
    )
    return {**msgspec.to_builtins(members), **facts}


def on_refusal(request: Request[Any, Any, Any], error: errors.AppointError) -> Response[bytes]:
    headers: dict[str, str] = {}
    faults: tuple[errors.Fault, ...] = ()
    match error:
        case errors.Unauthorized():
            headers["WWW-Authenticate"] = 'Bearer realm="appoint"'
        case errors.Unavailable(retry_after_seconds=seconds) | errors.TooMany(retry_after_seconds=seconds):
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
    headers = {
        name: value if "HEAD" in value else value.replace("GET", "GET, HEAD")
        for name, value in (error.headers or {}).items()
        if name.lower() == "allow"
    }
    faults = (
        (errors.Fault("Host", "is not valid"),) if error.status_code == 400 else ()
    )  # all else that can be wrong, we read ourselves
    return document(request, by_status[error.status_code], faults=faults, headers=headers)


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("bug", error=type(error).__name__, exc_info=error)
    return document(request, "internal-error")


HANDLERS: Final[ExceptionHandlersMap] = {
    errors.AppointError: on_refusal,
    HTTPException: on_http_error,
    Exception: on_bug,
}
