"""RFC 9457 problem documents: the catalogue of problem types, and the conversion of errors. Only this module chooses
status codes for errors.
"""

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
from ..kit.i18n import translatable as _
from ..kit.i18n import translate
from .languages import language_for

log = structlog.get_logger()


class Problem(NamedTuple):
    """`happened` and `remedy` together are the document's `detail`. Their `{names}` are facts of the error, of which
    `facts` is an example.
    """

    status: int
    title: str
    happened: str
    remedy: str = ""
    facts: Mapping[str, Any] = MappingProxyType({})


class Alternative(msgspec.Struct, frozen=True, rename="camel"):
    """A time that can be booked instead."""

    start_time: fields.Instant
    end_time: fields.Instant
    doctor_id: UUID


class FaultDocument(msgspec.Struct, frozen=True):
    """One fault of a request: where and what."""

    pointer: Annotated[str, msgspec.Meta(examples=["#/name"])]
    """`#/name` in the body (a JSON pointer), `?limit` in the query, or a header's name."""
    detail: Annotated[str, msgspec.Meta(examples=["is missing"])]


class ProblemDocument(msgspec.Struct, frozen=True, rename="camel"):
    """A problem (RFC 9457). Facts of the problem are further members."""

    type: Annotated[str, msgspec.Meta(examples=["/problems/not-found"])]
    """The problem type: the path of its page. Stable; title and detail follow `Accept-Language`."""
    title: str
    status: int
    detail: str
    """What happened and what to do about it."""
    instance: str
    """The requested path."""
    request_id: str
    """Identifies the request in our logs."""
    reason: str | UnsetType = UNSET
    """For 409: the machine-readable reason (last segment of `type`)."""
    errors: list[FaultDocument] | UnsetType = UNSET
    """For 400: all faults of the request."""
    alternatives: list[Alternative] | UnsetType = UNSET
    """For a time that cannot be booked: up to five times that can be, nearest first."""
    index: int | UnsetType = UNSET
    """For several appointments: the index of the refused one, from 0."""


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
        _("Invalid JSON"),
        _("The request body is not a single JSON document."),
        _("Send valid JSON in UTF-8 without duplicate keys."),
    ),
    "invalid-request": Problem(
        400,
        _("Invalid request"),
        _("Something in the request is missing, unknown or out of range."),
        _("Correct the fields listed in “errors”."),
    ),
    "unauthorized": Problem(
        401,
        _("Authentication required"),
        _("You need to sign in or send a valid token."),
        _("Sign in, or send a token as “Authorization: Bearer …”."),
    ),
    "wrong-credentials": Problem(
        401,
        "You are not signed in",
        _("The email address, password or code is incorrect."),
        _("Try again, or reset your password."),
    ),
    "totp-required": Problem(
        401,
        _("Code required"),
        _("This account requires a code as well as the password."),
        _("Enter the six digits from your authenticator app (in the API: “totp”)."),
    ),
    "wrong-code": Problem(
        401,
        _("Invalid code"),
        _("This code is wrong, has already been used or has expired."),
        _("Check the latest message, or request a new code."),
    ),
    "forbidden": Problem(
        403, _("No access"), _("You don’t have permission to do this."), _("Ask someone at the clinic who has access.")
    ),
    "not-found": Problem(
        404,
        _("Not found"),
        _("This does not exist, or you don’t have access to it."),
        _("Check the address and the IDs in the request."),
    ),
    "method-not-allowed": Problem(
        405,
        _("Method not allowed"),
        _("This address does not support this HTTP method."),
        _("Use one of the methods in the Allow header."),
    ),
    "version-mismatch": Problem(
        412,
        _("The resource has changed"),
        _("The version in If-Match is not the current one."),
        _("Load the current version, then make your change again."),
    ),
    "body-too-large": Problem(
        413, _("Request too large"), _("A request body must be no larger than 1 MiB."), _("Send less data at once.")
    ),
    "unsupported-media-type": Problem(
        415,
        _("Unsupported content type"),
        _("The body is in an unsupported format."),
        _("Send application/json; for PATCH, application/merge-patch+json also works."),
    ),
    "idempotency-key-reused": Problem(
        422,
        _("Idempotency key already used"),
        _("This Idempotency-Key was already used with a different request."),
        _("Use a new key for each new request."),
    ),
    "version-required": Problem(
        428,
        _("Version required"),
        _("This clinic requires a version with every change."),
        _("Send the ETag of the version you read as If-Match."),
    ),
    "too-many-requests": Problem(
        429,
        _("Too many requests"),
        _("Too many requests in a short time."),
        _("Wait for the number of seconds in Retry-After."),
    ),
    "internal-error": Problem(
        500,
        _("Something went wrong"),
        _("This is a problem on our side."),
        _("Please try again with the same Idempotency-Key. If it happens again, tell us the request ID."),
    ),
    "unavailable": Problem(
        503,
        _("Temporarily unavailable"),
        _("Part of the service is temporarily unavailable."),
        _("Please try again shortly. With the same Idempotency-Key, nothing is done twice."),
    ),
    # why a booking was refused
    "in-the-past": Problem(
        409, _("That time has passed"), _("This time is in the past."), _("Choose a later time."), ALTERNATIVES
    ),
    "clinic-inactive": Problem(
        409,
        _("Clinic not taking bookings"),
        _("This clinic is not active."),
        _("Choose another clinic."),
        {"alternatives": []},
    ),
    "doctor-inactive": Problem(
        409,
        _("Doctor not taking bookings"),
        _("This doctor no longer works at the clinic."),
        _("Choose another doctor."),
        ALTERNATIVES,
    ),
    "not-offered": Problem(
        409,
        _("Not available for booking"),
        _("This appointment type is not offered, or not by this doctor."),
        _("Choose another appointment type or another doctor."),
        ALTERNATIVES,
    ),
    "crosses-midnight": Problem(
        409,
        _("Appointment crosses midnight"),
        _("The appointment would run past midnight in the clinic’s time zone."),
        _("Choose a time that starts and ends on the same day."),
        ALTERNATIVES,
    ),
    "too-soon": Problem(
        409, _("Too soon"), _("The clinic needs more notice for bookings."), _("Choose a later time."), ALTERNATIVES
    ),
    "too-far": Problem(
        409,
        _("Too far ahead"),
        _("The clinic does not take bookings this far ahead yet."),
        _("Choose an earlier time."),
        ALTERNATIVES,
    ),
    "outside-hours": Problem(
        409,
        _("Outside the doctor’s hours"),
        _("The doctor’s published hours do not include this time."),
        _("Choose another time."),
        ALTERNATIVES,
    ),
    "customer-busy": Problem(
        409,
        _("Overlapping appointment"),
        _("There is already another appointment at this clinic at that time."),
        _("Choose another time."),
        ALTERNATIVES,
    ),
    "too-many-appointments": Problem(
        409,
        _("Too many appointments"),
        _("This clinic’s limit for upcoming appointments has been reached."),
        _("Cancel one first, or contact the clinic."),
        {"alternatives": []},
    ),
    "too-many-holds": Problem(
        409,
        _("Too many times on hold"),
        _("This clinic’s limit for times on hold has been reached."),
        _("Confirm or cancel one of them first."),
        {"alternatives": []},
    ),
    "taken": Problem(
        409,
        _("That time is taken"),
        _("Someone else has already booked this time."),
        _("Choose another time."),
        ALTERNATIVES,
    ),
    # appointments
    "hold-expired": Problem(
        409,
        _("Hold expired"),
        _("This time was on hold, and the hold has expired."),
        _("Choose a time and book again."),
    ),
    "wrong-status": Problem(
        409,
        _("Not possible in the current status"),
        _("An appointment cannot change from “{appointmentStatus}” to “{wanted}”."),
        _("Load the appointment again. The documentation lists the allowed status changes."),
        {"appointmentStatus": "cancelled", "wanted": "arrived"},
    ),
    "too-late": Problem(
        409,
        "Too late to reschedule or cancel",
        _("The clinic needs {minutes} minutes’ notice to reschedule or cancel an appointment."),
        _("Contact the clinic."),
        {"minutes": 1440, "phone": "+493012345678"},
    ),
    "not-started": Problem(
        409,
        _("Not started yet"),
        _("An appointment can be marked as a no-show only after it has started."),
        _("Wait until it has started, or cancel it."),
    ),
    # clinics, doctors, customers
    "clinic-in-use": Problem(
        409,
        _("The clinic is in use"),
        _("Active doctors: {doctors}; active time slots: {timeSlots}."),
        _("Deactivate them first, or close them together with the clinic."),
        {"doctors": 3, "timeSlots": 2},
    ),
    "live-appointments": Problem(
        409,
        _("Upcoming appointments"),
        "Upcoming appointments: {count}.",
        _("Reschedule or cancel them first."),
        {"count": 4},
    ),
    "slots-published": Problem(
        409,
        _("Published hours exist"),
        _("The clinic has published hours that would shift in time."),
        _("Remove the published hours from today on first."),
    ),
    "slug-taken": Problem(
        409,
        _("URL name already in use"),
        _("Another clinic already uses this URL name."),
        _("Choose another URL name."),
    ),
    "doctor-has-appointments": Problem(
        409,
        _("Doctor has upcoming appointments"),
        _("Upcoming appointments with this doctor: {count}."),
        _("Reschedule or cancel them first."),
        {"count": 4},
    ),
    "customer-has-appointments": Problem(
        409,
        _("Customer has upcoming appointments"),
        _("Upcoming appointments of this customer: {count}."),
        _("Reschedule or cancel them first."),
        {"count": 4},
    ),
    "customer-erased": Problem(
        409,
        _("Customer erased"),
        _("This customer’s data has been permanently erased."),
        _("If they return, register them as a new customer."),
    ),
    "record-number-taken": Problem(
        409,
        _("Record number already in use"),
        _("Another patient of this clinic already has this record number."),
        _("Choose another record number."),
    ),
    "which-clinic": Problem(
        409, _("Clinic required"), _("There is more than one clinic, or none."), _("Name the clinic with clinicId.")
    ),
    # schedules and slots
    "time-slots-intersect": Problem(
        409,
        _("Overlapping time slots"),
        _("This overlaps another time slot of the clinic."),
        _("Choose another time."),
    ),
    "time-slot-in-use": Problem(
        409,
        _("Time slot in use"),
        _("Weekly hours that use this time slot: {doctorSlots}."),
        _("Remove them first."),
        {"doctorSlots": 2},
    ),
    "schedule-lines-overlap": Problem(
        409,
        _("Overlapping weekly hours"),
        _("The doctor already has weekly hours on that weekday at that time."),
        _("Change one of them so that they don’t overlap."),
    ),
    "slots-overlap": Problem(
        409,
        _("Overlapping hours"),
        _("The doctor already has published hours at that time."),
        _("Change its start or end instead."),
    ),
    "slot-has-appointments": Problem(
        409,
        _("Slot has appointments"),
        _("There are appointments in this slot."),
        _("Reschedule or cancel them first."),
    ),
    "appointments-in-the-way": Problem(
        409,
        "Affected appointments",
        _("Appointments during this time: {count}."),
        _("Reschedule or cancel them first, or keep them for rebooking."),
        LISTED,
    ),
    "appointments-stranded": Problem(
        409,
        "Affected appointments",
        _("Appointments outside the new hours: {count}."),
        _("Reschedule or cancel them first, or keep them for rebooking."),
        LISTED,
    ),
    # notifications and webhooks
    "not-resendable": Problem(
        409,
        _("Cannot be sent again"),
        _("A message with the status “{notificationStatus}” cannot be sent again."),
        _("Only sent or failed messages can be sent again."),
        {"notificationStatus": "queued"},
    ),
    "too-many-webhooks": Problem(
        409,
        _("Too many webhooks"),
        _("The limit of {most} webhooks has been reached."),
        _("Remove one you no longer need first."),
        {"most": 20},
    ),
    # users and their accounts
    "already-member": Problem(
        409,
        _("Already a team member"),
        _("A team member of this clinic already has this email address."),
        _("Change their role instead."),
    ),
    "already-joined": Problem(
        409,
        _("Already joined"),
        _("This person has already signed in."),
        _("If they have forgotten their password, they can reset it themselves."),
    ),
    "last-manager": Problem(
        409,
        _("Last manager"),
        _("The clinic would be left without a manager."),
        _("Make someone else a manager first."),
    ),
    "link-used": Problem(
        409,
        _("Link already used"),
        _("A password has been set since this link was sent."),
        _("Sign in with that password, or request a new link."),
    ),
    "link-expired": Problem(
        409,
        _("Link expired"),
        _("Invitations expire after 7 days, password reset links after 1 hour."),
        _("Request a new link."),
    ),
    "totp-on": Problem(
        409,
        _("Two-step sign-in already on"),
        _("This account already has an authenticator app."),
        _("Remove the app first."),
    ),
    "totp-not-begun": Problem(
        409,
        _("No authenticator being set up"),
        _("There is no authenticator key to confirm."),
        _("Start with POST /api/account/totp."),
    ),
    # who may ask
    "too-many-api-keys": Problem(
        409,
        _("Too many API keys"),
        _("The limit of {most} API keys has been reached."),
        _("Remove one you no longer need first."),
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
    """Return the problem as a response in the caller's language."""
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
    """Return the document's members, including facts."""
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
    """Convert what the framework refuses by itself: paths, methods and sizes."""
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
    )  # we read everything else ourselves
    return document(request, by_status[error.status_code], faults=faults, headers=headers)


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("bug", error=type(error).__name__, exc_info=error)
    return document(request, "internal-error")


HANDLERS: Final[ExceptionHandlersMap] = {
    errors.AppointError: on_refusal,
    HTTPException: on_http_error,
    Exception: on_bug,
}
