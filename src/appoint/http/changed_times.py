"""Drop the recent free times that a request may have changed, before its response is sent."""

from typing import Any, Final

from litestar.types import HTTPScope

from ..kit.recent_values import Change
from .request import Request, clinic_of
from .routes import Route, route_in

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
UNRELATED_PERMISSIONS: Final = frozenset({"book", "register", "sign-in", "credentials"})
"""Permissions for requests that do not change any times, and for bookings, which drop the times that they affect
themselves."""


def forget_changed_times(scope: HTTPScope) -> None:
    """Drop the clinic's recent times, or all clinics' if the request does not name one."""
    if scope["method"] in SAFE_METHODS:
        return
    declared, state = route_in(scope), scope["state"]
    if declared is None or (declared.permission in UNRELATED_PERMISSIONS and not _ends_holds(declared)):
        return
    fields: Any = scope
    services = fields["litestar_app"].state.get("services")
    if services:
        services.cache.recent.forget(Change(state.get("clinic_id") or clinic_of(Request(scope))))


def _ends_holds(declared: Route) -> bool:
    """Return whether the request can end the caller's holds on other times, as the booking form does."""
    return declared.page and declared.permission == "book"
