"""/api/payments/events: what the payment provider reports."""

from typing import Final

import msgspec
from litestar import Response, post
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.actors import Actor
from . import events
from .gateway import Checkout, read_webhook_secrets
from .model import GatewayUnavailable, ProviderEvent
from .signatures import is_signed

MAX_EVENT_BYTES: Final = 256 * 1024


@post(
    "/api/payments/events",
    operation_id="receivePaymentEvent",
    status_code=HTTP_200_OK,
    opt=route(permission="public", rate_limit="callbacks"),
    request_max_body_size=MAX_EVENT_BYTES,
    include_in_schema=False,
)
async def receive_payment_event(request: Request) -> Response[None]:
    """Accept an event that the payment provider has signed. Without a recent signature, respond with 403 and write
    nothing. If the provider does not tell us more about the event's object, respond with 503, so that it sends the
    event again.
    """
    settings, limits, checkout = request.services.settings, request.services.limits, request.services.get(Checkout)
    signature, secrets = request.headers.get("stripe-signature", ""), read_webhook_secrets(settings)
    limits.expect_credential(request.user.address, signature)
    body, now = await request.body(), clock.now()
    if checkout.gateway is None or not is_signed(body, signature, secrets=secrets, now=now):
        limits.note_credential(request.user.address, signature, None)
        raise errors.Forbidden("wrong-signature")
    try:
        event = msgspec.json.decode(body, type=ProviderEvent)
    except (msgspec.DecodeError, ValueError):  # of a type without an object, which none of ours is
        return Response(None)
    actor = Actor("gateway", address=request.user.address, operation="receivePaymentEvent")
    try:
        await events.receive(
            request.services.db.across(), checkout.gateway, actor, event, links=checkout.links, now=now
        )
    except GatewayUnavailable as error:
        raise errors.Unavailable from error
    return Response(None)
