"""Authorize visits to pages. Visitors without a session must sign in first, and then continue to the page they
wanted."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Response
from litestar.exceptions import HTTPException

from ..http.access import guard
from ..http.dependencies import services_of
from ..http.forms import parse_form
from ..http.routes import route_of
from ..kit import errors
from .rendering import AnyRequest, redirect


async def authorize_page(request: AnyRequest) -> Response[Any] | None:
    """Authorize a visit before its handler runs.

    Redirects to the sign-in page if the page needs a session, to a page that asks for the password again if the page
    needs a recent proof, and to one for setting up a second factor if the visitor's role requires one. Refuses forms
    sent from other sites, with or without a session.
    """
    if request.method == "POST" and not is_from_own_page(request):
        raise errors.Forbidden
    try:
        await guard(request)
    except errors.Unauthorized:
        if request.method != "GET":
            raise
        target = address_of(request)
        return _detour(request, "/staff/sign-in" if target.startswith("/staff") else "/sign-in")
    except errors.Forbidden as refusal:
        if request.method != "GET" or refusal.type not in ("proof-required", "second-factor-required"):
            raise
        if refusal.type == "second-factor-required":
            return _detour(request, "/staff/second-factor")
        return _detour(request, "/staff/confirm" if request.user.user_id else "/sign-in")
    except (errors.TooMany, errors.Unavailable):
        if request.method == "POST":
            with suppress(errors.Invalid, HTTPException):
                await parse_form(request)  # the error page offers to send it again
        raise
    return None


def _detour(request: AnyRequest, page: str) -> Response[Any]:
    """Redirect to a page that leads back here."""
    return redirect(f"{page}?next={quote(address_of(request), safe='')}")


def is_from_own_page(request: AnyRequest) -> bool:
    """Return whether a form could have come from one of our own pages. Only browsers say where a form comes from: all
    current ones with `Sec-Fetch-Site`, older ones with `Origin`. Without either, the sender is a program, which has no
    session to abuse.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None or (origin == "null" and route_of(request.route_handler).permission != "sign-in"):
        return True  # older browsers hide our pages' origin, except on sign-in pages
    public_url = services_of(request).settings.public_url or ""
    return urlsplit(origin).netloc in {request.base_url.netloc, urlsplit(public_url).netloc} - {""}


def address_of(request: AnyRequest) -> str:
    """Return a request's path and query."""
    return request.scope["path"] + (f"?{query.decode()}" if (query := request.scope["query_string"]) else "")


def next_page(fields: Mapping[str, str], default: str) -> str:
    """Return the page that a visitor wanted before signing in, but never a page on another site."""
    target = fields.get("next", "")
    is_safe = (
        target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target and target.isprintable()
    )
    return target if is_safe else default
