"""The page for unsubscribing from messages. The messages themselves link to it."""

from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors, signed_tokens
from ...kit.actors import Actor
from ...messaging.channels.model import Channel
from ...messaging.notifications import service
from ..rendering import NO_STORE, render


@get(
    "/unsubscribe/{token:str}",
    operation_id="showUnsubscribe",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def show(request: Request, token: FromPath[str]) -> Response[str]:
    _, channel = _read(request, token)
    return render(request, "patient/unsubscribe.html", cache_control=NO_STORE, channel=channel, done=False)


@post(
    "/unsubscribe/{token:str}",
    operation_id="unsubscribe",
    status_code=200,
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def unsubscribe(request: Request, token: FromPath[str]) -> Response[str]:
    """Unsubscribe. Mail programs also send this request, for one-click unsubscribing (RFC 8058)."""
    customer_id, channel = _read(request, token)
    actor = Actor(
        f"link:{customer_id}", address=request.client.host if request.client else None, operation="unsubscribe"
    )
    await request.db.across().atomic(service.unsubscribe, actor, customer_id=customer_id, channel=channel)
    return render(request, "patient/unsubscribe.html", cache_control=NO_STORE, channel=channel, done=True)


def _read(request: Request, token: str) -> tuple[UUID, Channel]:
    """Return the customer and the channel. Raise `NotFound` for an invalid link, or one that has expired."""
    match signed_tokens.verify(request.services.secret_key, "unsubscribe", token):
        case [str(customer_id), ("email" | "sms") as channel, int(expires)] if clock.now().timestamp() < expires:
            return UUID(customer_id), channel
        case _:
            raise errors.NotFound


PAGES: Final = [show, unsubscribe]
