"""The page behind the link by which customers say that they want no more of such messages."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from .. import errors, signing
from ..callers import Caller
from ..channels.model import Channel
from ..web.pages import OWN, opened, page
from ..web.request import Request
from . import service


@get("/unsubscribe/{token:str}", operation_id="showUnsubscribe", opt=opened("public"), include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[str]:
    _, channel = _read(request, token)
    return page(request, "unsubscribe.html", cache_control=OWN, channel=channel, done=False)


@post("/unsubscribe/{token:str}", operation_id="unsubscribe", status_code=200, opt=opened("public"), include_in_schema=False)
async def unsubscribe(request: Request, token: FromPath[str]) -> Response[str]:
    """Also what mail programs send for one click (RFC 8058)."""
    customer_id, channel = _read(request, token)
    by = Caller(f"link:{customer_id}", address=request.client.host if request.client else None, doing="unsubscribe")
    await request.db.across().atomic(service.unsubscribe, by, customer_id=customer_id, channel=channel)
    return page(request, "unsubscribe.html", cache_control=OWN, channel=channel, done=True)


def _read(request: Request, token: str) -> tuple[UUID, Channel]:
    value: Any = signing.opened(request.app.state.secret_key, "unsubscribe", token)
    if value is None:
        raise errors.NotFound
    customer_id, channel = value
    return UUID(customer_id), channel


PAGES: Final = [show, unsubscribe]
