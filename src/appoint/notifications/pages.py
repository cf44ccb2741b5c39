"""The page behind the link by which customers say that they want no more of such messages."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from .. import errors
from ..callers import Caller
from ..channels.model import Channel
from ..signing import opened
from ..web.docs import page
from ..web.request import Request
from . import service

PUBLIC: Final = {"permission": "public"}


@get("/unsubscribe/{token:str}", operation_id="showUnsubscribe", opt=PUBLIC, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[str]:
    _, channel = _read(request, token)
    return _own(page(request, "unsubscribe.html", channel=channel, done=False))


@post("/unsubscribe/{token:str}", operation_id="unsubscribe", status_code=200, opt=PUBLIC, include_in_schema=False)
async def unsubscribe(request: Request, token: FromPath[str]) -> Response[str]:
    """Also what mail programs send for one click (RFC 8058)."""
    customer_id, channel = _read(request, token)
    by = Caller(f"link:{customer_id}", address=request.client.host if request.client else None, doing="unsubscribe")
    await request.db.across().atomic(service.unsubscribe, by, customer_id=customer_id, channel=channel)
    return _own(page(request, "unsubscribe.html", channel=channel, done=True))


def _own(response: Response[str]) -> Response[str]:
    """A page for the one who has the link, and for nobody's cache."""
    response.set_header("Cache-Control", "no-store")
    return response


def _read(request: Request, token: str) -> tuple[UUID, Channel]:
    value: Any = opened(request.app.state.secret_key, "unsubscribe", token)
    if value is None:
        raise errors.NotFound
    customer_id, channel = value
    return UUID(customer_id), channel


PAGES: Final = [show, unsubscribe]
