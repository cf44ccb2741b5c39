"""/api/calls/events/daily/{clinicId}: what Daily reports about calls."""

from litestar import Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.actors import Actor
from . import events


@post(
    "/api/calls/events/daily/{clinic_id:int}",
    operation_id="receiveCallEvent",
    status_code=HTTP_200_OK,
    opt=route(permission="public", rate_limit="callbacks"),
    include_in_schema=False,
)
async def receive_call_event(request: Request, clinic_id: FromPath[int]) -> Response[None]:
    """Accept an event that the clinic's account at Daily has signed. Without a recent signature, respond with 403
    and write nothing, whatever the event is about. Ignore signed events that Appoint does not need."""
    limits, signature = request.services.limits, request.headers.get("x-webhook-signature", "")
    limits.expect_credential(request.user.address, signature)
    actor = Actor("gateway", address=request.user.address, operation="receiveCallEvent")
    try:
        await events.receive(
            request.services.db,
            actor,
            await request.body(),
            clinic_id=clinic_id,
            signature=signature,
            timestamp=request.headers.get("x-webhook-timestamp", ""),
            secret=request.services.secret_key,
            now=clock.now(),
        )
    except events.UnsignedError:
        limits.note_credential(request.user.address, signature, None)
        raise errors.Forbidden("wrong-signature") from None
    return Response(None)
