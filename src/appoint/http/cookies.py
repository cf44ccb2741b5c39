"""Cookies: for this host only, over TLS only, not readable by scripts."""

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

PEOPLE: Final = "__Host-appoint-people"
BOOKED: Final = "__Host-appoint-booked"
BOOKED_SECONDS: Final = 3600


def keep(response: Response[Any], token: str, lasts: timedelta) -> None:
    """Set the session cookie."""
    response.set_cookie(_cookie(COOKIE, token, max_age=int(lasts.total_seconds())))


def forget(response: Response[Any]) -> None:
    """Delete the session cookie."""
    response.set_cookie(_cookie(COOKIE, "", max_age=0))


def keep_people(response: Response[Any], secret: str, token: str, people: LinkedCustomers, lasts: timedelta) -> None:
    """Store the linked customers in a cookie bound to this session; it is ignored under any other session."""
    value = sign(secret, _purpose(token), [people.since.isoformat(), *(id.hex for id in people.ids)])
    response.set_cookie(_cookie(PEOPLE, value, max_age=int(lasts.total_seconds())))


def people_of(request: Request[Any, Any, Any]) -> LinkedCustomers | None:
    token, value = request.cookies.get(COOKIE), request.cookies.get(PEOPLE)
    known = verify(services_of(request).secret_key, _purpose(token), value) if token and value else None
    return LinkedCustomers([UUID(id) for id in known[1:]], datetime.fromisoformat(known[0])) if known else None


def _purpose(token: str) -> str:
    return f"people {hashlib.sha256(token.encode()).hexdigest()}"


def keep_booked(response: Response[Any], token: str) -> None:
    """Store the manage link's token of the latest booking."""
    response.set_cookie(_cookie(BOOKED, token, max_age=BOOKED_SECONDS))


def booked_of(request: Request[Any, Any, Any]) -> str:
    return request.cookies.get(BOOKED, "")


def _cookie(name: str, value: str, *, max_age: int) -> Cookie:
    return Cookie(name, value=value, path="/", max_age=max_age, secure=True, httponly=True, samesite="lax")
