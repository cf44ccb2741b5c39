"""/api/appointments/{appointmentId}/guests"""

from functools import partial
from uuid import UUID

from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ...http.request import Request
from ...http.resources import idempotent_resource
from ...http.responses import json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page
from . import service
from .model import GuestContent, InvitedGuest

GUESTS = "/appointments/{appointment_id:uuid}/guests"


class Guests(Controller):
    """People that patients bring to their video visits, such as an interpreter or a carer. Each has their own link."""

    tags = ["Guests"]

    @get(GUESTS, operation_id="listGuests", opt=route(permission="attend-visits", owned_by="appointment_id"))
    async def list(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Page[InvitedGuest]]:
        """List a video visit's guests, oldest first. Returns a single page of at most 5."""
        origin, secret = request.services.settings.links_url, request.services.secret_key
        guests = await service.list_with_links(request.db, appointment_id, origin=origin, secret=secret)
        return json_response(request, Page(guests, None), subjects=[appointment_id, *(each.id for each in guests)])

    @post(
        GUESTS,
        operation_id="inviteGuest",
        opt=route(
            permission="attend-visits",
            owned_by="appointment_id",
            problems=("not-a-video-visit", "too-many-guests"),
        ),
    )
    async def invite(
        self, request: Request, appointment_id: FromPath[UUID], data: JSONBody[GuestContent]
    ) -> Response[InvitedGuest]:
        """Invite a guest to a video visit. Appoint does not send them a message: share the link with them yourself."""
        guest, replayed = await idempotent_resource(
            request,
            data,
            partial(service.invite, actor=request.user, appointment_id=appointment_id, name=data.name),
            service.get,
        )
        origin, secret = request.services.settings.links_url, request.services.secret_key
        invited_guest = service.with_link(guest, origin=origin, secret=secret)
        return json_response(request, invited_guest, status_code=201, headers=replay_headers(replayed))

    @delete(
        GUESTS + "/{guest_id:uuid}",
        operation_id="revokeGuest",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="attend-visits", owned_by="appointment_id"),
    )
    async def revoke(self, request: Request, appointment_id: FromPath[UUID], guest_id: FromPath[UUID]) -> None:
        """Revoke a guest's link. They can no longer join."""
        await request.db.atomic(
            service.revoke, request.user, appointment_id=appointment_id, guest_id=guest_id, now=clock.now()
        )
