"""Convert errors to problem documents. Only this module chooses status codes for errors."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import UNSET

from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable, translate
from ..languages import language_for
from .catalogue import PROBLEMS
from .documents import FaultDocument, ProblemDocument

log = structlog.get_logger()

LISTED_ELSEWHERE: Final = {
    "/api/appointments": "/api/clinics/{clinicId}/appointments",
    "/api/bookings": "/api/clinics/{clinicId}/appointments",
}
"""Paths that only accept new resources, and the paths where clinics find existing ones."""
MEDIA_TYPE: Final = "application/problem+json"


def problem_response(
    request: Request[Any, Any, Any],
    type: str,
    /,
    *,
    faults: tuple[errors.Fault, ...] = (),
    facts: Mapping[str, Any] = MappingProxyType({}),
    headers: dict[str, str] | None = None,
    hint: str = "",
) -> Response[bytes]:
    """Return the problem as a response in the caller's language. The `hint` is added to its detail."""
    language = language_for(request)
    content = problem_members(
        type,
        language,
        instance=request.scope["path"],
        request_id=request.state.get("request_id", ""),
        faults=faults,
        facts=facts,
        audience=audience_of(request),
    )
    if hint:
        content["detail"] = f"{content['detail']} {translate(language, hint, **facts)}"
    return Response(
        msgspec.json.encode(content),
        status_code=PROBLEMS[type].status,
        media_type=MEDIA_TYPE,
        headers={"Content-Language": language, "Cache-Control": "no-store", **(headers or {})},
    )


def audience_of(request: Request[Any, Any, Any]) -> str:
    """Return what kind of caller is reading about a problem."""
    if "user" not in request.scope:  # the request was refused before the caller was identified
        return ""
    caller: Any = request.scope["user"]
    if not isinstance(caller, Actor):
        return ""
    if caller.user_id:
        return "user"
    if caller.customer_id:
        return "patient"
    if caller.appointment_id:
        return "link"
    return "key" if caller.memberships else "stranger" if caller.is_anyone else ""


def problem_members(
    type: str,
    language: str,
    /,
    *,
    instance: str,
    request_id: str,
    faults: tuple[errors.Fault, ...] = (),
    facts: Mapping[str, Any],
    audience: str = "",
) -> dict[str, Any]:
    """Return the document's members, including facts."""
    problem = PROBLEMS[type]
    members = ProblemDocument(
        type=f"/problems/{type}",
        title=translate(language, problem.title),
        status=problem.status,
        detail=" ".join(translate(language, text, **facts) for text in problem.texts(audience, facts) if text),
        instance=instance,
        request_id=request_id,
        reason=type if problem.status == 409 else UNSET,
        errors=[FaultDocument(fault.pointer, translate(language, fault.text, **fault.values)) for fault in faults]
        or UNSET,
    )
    return {**msgspec.to_builtins(members), **facts}


def answer_refusal(request: Request[Any, Any, Any], error: errors.AppointError) -> Response[bytes]:
    headers: dict[str, str] = {}
    faults: tuple[errors.Fault, ...] = ()
    match error:
        case errors.Unauthorized():
            headers["WWW-Authenticate"] = 'Bearer realm="appoint"'
        case (
            errors.Unavailable(retry_after_seconds=seconds)
            | errors.TooMany(retry_after_seconds=seconds)
            | errors.InQueue(retry_after_seconds=seconds)
        ):
            headers["Retry-After"] = str(seconds)
        case errors.Invalid():
            faults = error.faults
        case _:
            pass
    return problem_response(request, error.type, faults=faults, facts=error.facts, headers=headers)


def answer_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Convert the errors that the framework itself raises for unsuitable paths, methods and body sizes."""
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
        return answer_bug(request, error)
    headers = {
        name: value if "HEAD" in value else value.replace("GET", "GET, HEAD")
        for name, value in (error.headers or {}).items()
        if name.lower() == "allow"
    }
    # the framework checks only the host; we decode everything else
    faults = (errors.Fault("Host", "is not valid"),) if error.status_code == 400 else ()
    elsewhere = LISTED_ELSEWHERE.get(request.scope["path"]) if error.status_code == 405 else None
    if elsewhere and request.method == "GET":
        hint = translatable("To get the list, use {see}.")
        return problem_response(request, "method-not-allowed", facts={"see": elsewhere}, headers=headers, hint=hint)
    return problem_response(request, by_status[error.status_code], faults=faults, headers=headers)


def answer_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    log.error("bug", error=type(error).__name__, exc_info=error)
    return problem_response(request, "internal-error")


HANDLERS: Final[dict[int | type[Exception], Callable[..., Response[Any]]]] = {
    errors.AppointError: answer_refusal,
    HTTPException: answer_http_error,
    Exception: answer_bug,
}
