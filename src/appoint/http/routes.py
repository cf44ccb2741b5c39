"""Every handler's declaration: the permission it needs, its problems and its rate limit."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar import Litestar
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute
from litestar.types import Scope

from ..kit.permissions import PERMISSIONS
from .problems.catalogue import PROBLEMS

OPTION: Final = "route"
RATE_LIMITS: Final = frozenset(
    {"requests", "search", "bookings", "registrations", "sign-in", "monitoring", "callbacks"}
)
"""The names that handlers can use for `rate_limit`."""
RATE_LIMIT_OF_PERMISSION: Final = {"book": "bookings", "register": "registrations", "sign-in": "sign-in"}
"""A permission's rate limit, unless the handler names a different one. All other requests count as `requests`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One handler's declaration. The guard, the rate limits, the middleware and the OpenAPI document read it."""

    permission: str
    """The permission that callers need, a name in `PERMISSIONS`."""
    owned_by: str = ""
    """The path parameter whose owner the guard looks up. Required for callers whose permission covers only their own
    data; without it, the guard refuses them.
    """
    problems: tuple[str, ...] = ()
    """This operation's problems, in addition to those that follow from its method, parameters and body."""
    narrows: bool = False
    """Whether the handler itself limits what it reads and changes to the caller's own data."""
    page: bool = False
    """Whether the response is an HTML page for a person to see. Pages read their own query, leniently."""
    rate_limit: str = ""
    """The rate limit that requests count against. By default, it is derived from the permission."""
    stream: bool = False
    """Whether the response is a stream. Once a stream begins, the request has no deadline."""
    recent_proof: bool = False
    """Whether callers with a session must have entered a credential within the last few minutes, so that someone who
    finds a signed-in browser cannot do lasting harm.
    """
    media_types: tuple[str, ...] = ()
    """The response's media types, apart from JSON."""
    headers: tuple[str, ...] = ()
    """The successful response's headers, in addition to those that all operations have."""
    unattended: bool = False
    """Whether pages send the request on their own, without any user action. If so, it does not extend the session."""
    stale: bool = False
    """Whether the response may be up to two seconds old (`Request.stale_db`). Pages don't declare it."""

    @property
    def limited_as(self) -> str:
        """Return the rate limit that requests count against."""
        return self.rate_limit or RATE_LIMIT_OF_PERMISSION.get(self.permission, "requests")


def route(
    *,
    permission: str,
    owned_by: str = "",
    problems: tuple[str, ...] = (),
    narrows: bool = False,
    page: bool = False,
    rate_limit: str = "",
    stream: bool = False,
    media_types: tuple[str, ...] = (),
    recent_proof: bool = False,
    headers: tuple[str, ...] = (),
    unattended: bool = False,
    stale: bool = False,
) -> dict[str, Any]:
    """Return a handler's `opt` with its `Route`."""
    return {
        OPTION: Route(
            permission=permission,
            owned_by=owned_by,
            problems=problems,
            narrows=narrows,
            page=page,
            rate_limit=rate_limit,
            stream=stream,
            media_types=media_types,
            recent_proof=recent_proof,
            headers=headers,
            unattended=unattended,
            stale=stale,
        )
    }


def route_of(handler: BaseRouteHandler) -> Route:
    """Return the declaration of one of our handlers."""
    return handler.opt[OPTION]


def route_in(scope: Scope) -> Route | None:
    """Return the declaration of a request's handler, or None if none of our handlers matches."""
    options: Mapping[str, Any] = getattr(handler_in(scope), "opt", {})
    return options.get(OPTION)


def handler_in(scope: Scope) -> Any:
    """Return a request's handler, or None if no route matches."""
    fields: Any = scope
    return fields.get("route_handler")


def path_template_in(scope: Scope) -> str | None:
    """Return the path of a request's route, including its parameter names, or None if no route matches."""
    fields: Any = scope
    return fields.get("path_template")


def check_routes(app: Litestar, *, owned_by: Collection[str]) -> None:
    """Check the declarations of the application's handlers. Raise `ValueError` with everything that is wrong with them.

    `owned_by` lists the path parameters whose owners the application can find.
    """
    faults = [
        f"{handler.operation_id} ({route.path}): {fault}"
        for route in app.routes
        for handler in (route.route_handlers if isinstance(route, HTTPRoute) else ())
        if handler.http_methods != {"OPTIONS"}  # the framework's own
        for fault in _faults(handler.opt, owned_by=set(owned_by) & set(route.path_parameters))
    ]
    if faults:
        raise ValueError("\n".join(faults))


def _faults(options: Mapping[str, Any], *, owned_by: Collection[str]) -> Iterator[str]:
    declared = options.get(OPTION)
    if not isinstance(declared, Route):
        yield "has no opt=route(…)"
        return
    if declared.permission not in PERMISSIONS:
        yield f"unknown permission {declared.permission!r}"
    if declared.owned_by and declared.owned_by not in owned_by:
        yield f"no function finds the owner of {declared.owned_by!r}"
    for problem in declared.problems:
        if problem not in PROBLEMS:
            yield f"unknown problem {problem!r}"
    if declared.rate_limit and declared.rate_limit not in RATE_LIMITS:
        yield f"unknown rate limit {declared.rate_limit!r}"
