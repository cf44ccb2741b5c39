"""Cookies: sent only to this host and only over TLS, and not readable by scripts."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import Cookie

from ..kit.actors import LinkedCustomers
from ..kit.signed_tokens import sign, verify
from .access import COOKIE
from .services import services_of

PEOPLE_COOKIE: Final = "__Host-appoint-people"
BOOKED_COOKIE: Final = "__Host-appoint-booked"
BOOKED_COOKIE_SECONDS: Final = 3600


def set_session_cookie(response: Response[Any], token: str, lasts: timedelta) -> None:
    """Set the session cookie."""
    response.set_cookie(_cookie(COOKIE, token, max_age=int(lasts.total_seconds())))


def delete_session_cookie(response: Response[Any]) -> None:
    """Delete the session cookie."""
    response.set_cookie(_cookie(COOKIE, "", max_age=0))


def set_linked_customers(
    response: Response[Any], secret: str, token: str, people: LinkedCustomers, lasts: timedelta
) -> None:
    """Store the linked customers in a cookie bound to this session; it is ignored under any other session."""
    value = sign(secret, _purpose(token), [people.since.isoformat(), *(id.hex for id in people.ids)])
    response.set_cookie(_cookie(PEOPLE_COOKIE, value, max_age=int(lasts.total_seconds())))


def linked_customers_of(request: Request[Any, Any, Any]) -> LinkedCustomers | None:
    """Return the customers linked to this session, or None if the cookie is missing or bound to a different session."""
    token, value = request.cookies.get(COOKIE), request.cookies.get(PEOPLE_COOKIE)
    values = verify(services_of(request).secret_key, _purpose(token), value) if token and value else None
    return LinkedCustomers([UUID(id) for id in values[1:]], datetime.fromisoformat(values[0])) if values else None


def _purpose(token: str) -> str:
    return f"people {hashlib.sha256(token.encode()).hexdigest()}"


def set_booked_token(response: Response[Any], token: str) -> None:
    """Store the latest booking's manage-link token."""
    response.set_cookie(_cookie(BOOKED_COOKIE, token, max_age=BOOKED_COOKIE_SECONDS))


def booked_token_of(request: Request[Any, Any, Any]) -> str:
    """Return the manage-link token of this browser's latest booking, or an empty string."""
    return request.cookies.get(BOOKED_COOKIE, "")


def _cookie(name: str, value: str, *, max_age: int) -> Cookie:
    return Cookie(name, value=value, path="/", max_age=max_age, secure=True, httponly=True, samesite="lax")
