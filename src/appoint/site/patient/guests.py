"""Guests that the holder of a manage link brings to a video visit. Works without JavaScript."""

from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath

from ...calls.guests import service
from ...http.forms import parse_form
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.i18n import one_line
from ..rendering import redirect
from .appointment_page import refused_page
from .manage_link import appointment_id, database, holder, not_found_page, path_of

PUBLIC: Final = route(permission="public", page=True)
PAGE: Final = "/appointments/{token:str}/guests"
MAX_NAME_LENGTH: Final = 100


@post(PAGE, operation_id="inviteGuestByLink", status_code=303, opt=PUBLIC, include_in_schema=False)
async def invite(request: Request, token: FromPath[str]) -> Response[Any]:
    """Invite a guest. The appointment's page then shows their link."""
    actor = await holder(request, token)
    if actor is None:
        return not_found_page(request)
    name = one_line((await parse_form(request)).get("name", ""))[:MAX_NAME_LENGTH]
    if name:
        try:
            await database(request, actor).atomic(
                service.invite, actor=actor, appointment_id=appointment_id(actor), name=name
            )
        except errors.Conflict as refusal:
            return await refused_page(request, token, refusal)
    return redirect(f"{path_of(token)}#guests")


@post(
    PAGE + "/{guest_id:uuid}/remove",
    operation_id="revokeGuestByLink",
    status_code=303,
    opt=PUBLIC,
    include_in_schema=False,
)
async def revoke(request: Request, token: FromPath[str], guest_id: FromPath[UUID]) -> Response[Any]:
    actor = await holder(request, token)
    if actor is None:
        return not_found_page(request)
    with suppress(errors.NotFound):  # already revoked
        await database(request, actor).atomic(
            service.revoke, actor, appointment_id=appointment_id(actor), guest_id=guest_id, now=clock.now()
        )
    return redirect(f"{path_of(token)}#guests")


PAGES: Final = [invite, revoke]
