"""/api/calls/events/daily: what Daily reports about calls."""

from litestar import Response, post
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.actors import Actor
from . import events


@post(
    "/api/calls/events/daily",
    operation_id="receiveCallEvent",
    status_code=HTTP_200_OK,
    opt=route(permission="public", rate_limit="callbacks"),
    include_in_schema=False,
)
async def receive_call_event(request: Request) -> Response[None]:
    """Accept an event that the clinic's video provider has signed. Without a recent signature, respond with 400 and
    write nothing. Ignore events that Appoint does not need."""
    limits, signature = request.services.limits, request.headers.get("x-webhook-signature", "")
    limits.expect_credential(request.user.address, signature)
    actor = Actor("gateway", address=request.user.address, operation="receiveCallEvent")
    try:
        await events.receive(
            request.services.db,
            actor,
            await request.body(),
            signature=signature,
            timestamp=request.headers.get("x-webhook-timestamp", ""),
            secret=request.services.secret_key,
            now=clock.now(),
        )
    except events.UnsignedError:
        limits.note_credential(request.user.address, signature, None)
        raise errors.Invalid(errors.Fault("X-Webhook-Signature", "is not valid")) from None
    return Response(None)
