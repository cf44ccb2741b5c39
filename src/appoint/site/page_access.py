"""Authorize visits to pages. Visitors without a session must sign in first, and then continue to the page."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from litestar import Response
from litestar.exceptions import HTTPException

from ..http.access import guard
from ..http.forms import parse_form
from ..kit import errors
from .rendering import AnyRequest, redirect


async def authorize_page(request: AnyRequest) -> Response[Any] | None:
    """Authorize a visit before its handler runs.

    Redirects to the sign-in page if the page needs a session. Refuses forms sent from other sites, with or without a
    session.
    """
    if request.method == "POST" and request.headers.get("sec-fetch-site") == "cross-site":
        raise errors.Forbidden
    try:
        await guard(request)
    except errors.Unauthorized:
        if request.method != "GET":
            raise
        target = address_of(request)
        sign_in = "/staff/sign-in" if target.startswith("/staff") else "/sign-in"
        return redirect(f"{sign_in}?next={quote(target, safe='')}")
    except (errors.TooMany, errors.Unavailable):
        if request.method == "POST":
            with suppress(errors.Invalid, HTTPException):
                await parse_form(request)  # the error page offers to send it again
        raise
    return None


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
