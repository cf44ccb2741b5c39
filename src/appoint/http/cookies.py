"""Cookies, which are sent only to this host and only over TLS, and which scripts cannot read."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response
from litestar.datastructures import Cookie

from ..kit.actors import LinkedCustomers
from ..kit.signed_tokens import sign, verify
from .access import COOKIE
from .dependencies import services_of

PEOPLE_COOKIE: Final = "__Host-appoint-people"
BOOKED_COOKIE: Final = "__Host-appoint-booked"
BOOKED_COOKIE_SECONDS: Final = 3600
FORM_COOKIE: Final = "__Host-appoint-form"
FORM_KEY: Final = re.compile("[A-Za-z0-9_-]{16,100}")
MAX_FORM_KEYS: Final = 5
OPENID_COOKIE: Final = "__Host-appoint-openid"
DEVICE_COOKIE: Final = "__Host-appoint-device"
DEVICE_PURPOSE: Final = "device"
CODE_COOKIE: Final = "__Host-appoint-code"
CODE_COOKIE_SECONDS: Final = 600
BROWSER_COOKIE: Final = "__Host-appoint-browser"
BROWSER_COOKIE_SECONDS: Final = 3600
KNOWN_ADDRESS_SECONDS: Final = 90 * 24 * 60 * 60
"""How long a browser can keep booking without a code once its user has confirmed their address."""
MAX_KNOWN_ADDRESSES: Final = 5
"""More than one, because families share a browser."""


def set_session_cookie(response: Response[Any], token: str, lasts: timedelta) -> None:
    """Set the session cookie."""
    response.set_cookie(_cookie(COOKIE, token, max_age=int(lasts.total_seconds())))


def delete_session_cookie(response: Response[Any]) -> None:
    """Delete the session cookie."""
    response.set_cookie(_cookie(COOKIE, "", max_age=0))


def browser_id_of(request: Request[Any, Any, Any]) -> str | None:
    """Return the random id that distinguishes this browser from others while someone signs in, or None if it has none
    yet.
    """
    value = request.cookies.get(BROWSER_COOKIE, "")
    return value if FORM_KEY.fullmatch(value) else None


def set_browser_id(response: Response[Any], id: str) -> None:
    """Store the browser's id."""
    response.set_cookie(_cookie(BROWSER_COOKIE, id, max_age=BROWSER_COOKIE_SECONDS))


def set_linked_customers(
    response: Response[Any], secret: str, token: str, people: LinkedCustomers, lasts: timedelta
) -> None:
    """Store the linked customers in a cookie bound to this session. It is ignored in any other session."""
    value = sign(secret, _purpose(token), [people.since.isoformat(), *(id.hex for id in people.ids)])
    response.set_cookie(_cookie(PEOPLE_COOKIE, value, max_age=int(lasts.total_seconds())))


def linked_customers_of(request: Request[Any, Any, Any]) -> LinkedCustomers | None:
    """Return the customers linked to this session, or None if the cookie is missing or bound to a different session."""
    token, value = request.cookies.get(COOKIE), request.cookies.get(PEOPLE_COOKIE)
    values = verify(services_of(request).secret_key, _purpose(token), value) if token and value else None
    return LinkedCustomers([UUID(id) for id in values[1:]], datetime.fromisoformat(values[0])) if values else None


def _purpose(token: str) -> str:
    return f"people {hashlib.sha256(token.encode()).hexdigest()}"


def set_booked_token(response: Response[Any], secret: str, token: str) -> None:
    """Store the latest booking's manage-link token. It is signed, so that someone who has the link but did not book
    cannot pretend to be this browser.
    """
    response.set_cookie(_cookie(BOOKED_COOKIE, sign(secret, "booked", token), max_age=BOOKED_COOKIE_SECONDS))


def booked_token_of(request: Request[Any, Any, Any]) -> str:
    """Return the manage-link token of this browser's latest booking, or an empty string."""
    value = request.cookies.get(BOOKED_COOKIE)
    token = verify(services_of(request).secret_key, "booked", value) if value else None
    return token if isinstance(token, str) else ""


def set_code_address(response: Response[Any], secret: str, code_id: UUID, address: str) -> None:
    """Store the address for which this browser requested a sign-in code, whether or not it belongs to a customer."""
    value = sign(secret, f"code {code_id}", address)
    response.set_cookie(_cookie(CODE_COOKIE, value, max_age=CODE_COOKIE_SECONDS))


def code_address_of(request: Request[Any, Any, Any], code_id: UUID) -> str:
    """Return the address that the visitor typed to get this code, or an empty string."""
    value = request.cookies.get(CODE_COOKIE)
    address = verify(services_of(request).secret_key, f"code {code_id}", value) if value else None
    return address if isinstance(address, str) else ""


def set_openid_attempt(response: Response[Any], value: str, lasts: timedelta) -> None:
    """Store a signed attempt to sign in through the OpenID provider."""
    response.set_cookie(_cookie(OPENID_COOKIE, value, max_age=int(lasts.total_seconds())))


def delete_openid_attempt(response: Response[Any]) -> None:
    response.set_cookie(_cookie(OPENID_COOKIE, "", max_age=0))


def openid_attempt_of(request: Request[Any, Any, Any]) -> str:
    """Return the signed attempt, or an empty string."""
    return request.cookies.get(OPENID_COOKIE, "")


def add_form_key(response: Response[Any], request: Request[Any, Any, Any], key: str) -> None:
    """Remember a booking form's key. If the response to the form gets lost, the visitor can still find the booking."""
    keys = [*form_keys_of(request), key][-MAX_FORM_KEYS:]
    response.set_cookie(_cookie(FORM_COOKIE, ".".join(keys), max_age=BOOKED_COOKIE_SECONDS))


def form_keys_of(request: Request[Any, Any, Any]) -> list[str]:
    """Return the keys of this browser's latest booking forms."""
    return [key for key in request.cookies.get(FORM_COOKIE, "").split(".") if FORM_KEY.fullmatch(key)][-MAX_FORM_KEYS:]


def add_known_address(response: Response[Any], request: Request[Any, Any, Any], address: str, now: datetime) -> None:
    """Remember that this browser's user has confirmed the address. Only a keyed digest of it is stored."""
    secret = services_of(request).secret_key
    digest = _digest(secret, address)
    others = [entry for entry in _known_addresses(request, now) if entry[0] != digest]
    latest = [*others, (digest, int(now.timestamp()) + KNOWN_ADDRESS_SECONDS)][-MAX_KNOWN_ADDRESSES:]
    response.set_cookie(_cookie(DEVICE_COOKIE, sign(secret, DEVICE_PURPOSE, latest), max_age=KNOWN_ADDRESS_SECONDS))


def knows_address(request: Request[Any, Any, Any], address: str, now: datetime) -> bool:
    """Return whether this browser's user has recently confirmed the address."""
    digest = _digest(services_of(request).secret_key, address)
    return any(entry[0] == digest for entry in _known_addresses(request, now))


def _known_addresses(request: Request[Any, Any, Any], now: datetime) -> list[tuple[str, int]]:
    value = request.cookies.get(DEVICE_COOKIE)
    entries: list[tuple[str, int]] = (value and verify(services_of(request).secret_key, DEVICE_PURPOSE, value)) or []
    return [(digest, expires) for digest, expires in entries if expires > now.timestamp()]


def _digest(secret: str, address: str) -> str:
    return hmac.digest(secret.encode(), f"{DEVICE_PURPOSE}\n{address.lower()}".encode(), "sha256").hex()[:32]


def _cookie(name: str, value: str, *, max_age: int) -> Cookie:
    return Cookie(name, value=value, path="/", max_age=max_age, secure=True, httponly=True, samesite="lax")
