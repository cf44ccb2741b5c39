"""Sent messages on staff pages, and the page to unsubscribe from messages."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from ...http.forms import parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import errors, signed_tokens
from ...kit.actors import Actor
from ...messaging.channels.model import Channel
from ...messaging.notifications import service
from ...messaging.notifications.model import NotificationStatus, kind_of
from ...messaging.notifications.repository import reads
from ..rendering import NO_STORE, render, url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 50
ANY_STATUS: Final = "all"
STATUSES: Final = (
    NotificationStatus.DEAD,
    NotificationStatus.QUEUED,
    NotificationStatus.SENT,
    NotificationStatus.SUPERSEDED,
)


@get(
    "/staff/{clinic_id:int}/messages",
    operation_id="showMessages",
    opt=route(permission="see-messages", page=True),
    include_in_schema=False,
)
async def messages(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show undeliverable messages by default while there are any, but all messages of a patient."""
    query = query_params(request)
    patient, dead = parse_id(query.get("patient")), await reads.count_dead(request.db, clinic_id)
    status = (
        query.get("status")
        if query.get("status") in (*STATUSES, ANY_STATUS)
        else NotificationStatus.DEAD
        if dead and not patient
        else ANY_STATUS
    )
    notifications = await reads.newest(
        request.db,
        clinic_id=clinic_id,
        status=None if status == ANY_STATUS else status,
        customer_id=str(patient) if patient else None,
        before=parse_id(query.get("before")),
        limit=PAGE_SIZE,
    )
    page = notifications[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/messages/messages.html",
        clinic_id=clinic_id,
        place="messages",
        subjects=[notification.id for notification in page],
        messages=page,
        dead=dead,
        status=status,
        patient=patient,
        kind_of=kind_of,
        tabs=[(each, url_with(request, status=each, before=None)) for each in (*STATUSES, ANY_STATUS)],
        next=url_with(request, status=status, before=page[-1].id) if len(notifications) > PAGE_SIZE else None,
    )


@get(
    "/unsubscribe/{token:str}",
    operation_id="showUnsubscribe",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def show(request: Request, token: FromPath[str]) -> Response[str]:
    _, channel = _read(request, token)
    return render(request, "public/unsubscribe.html", cache_control=NO_STORE, channel=channel, done=False)


@post(
    "/unsubscribe/{token:str}",
    operation_id="unsubscribe",
    status_code=200,
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def unsubscribe(request: Request, token: FromPath[str]) -> Response[str]:
    """Unsubscribe; mail programs send this for one click too (RFC 8058)."""
    customer_id, channel = _read(request, token)
    actor = Actor(
        f"link:{customer_id}", address=request.client.host if request.client else None, operation="unsubscribe"
    )
    await request.db.across().atomic(service.unsubscribe, actor, customer_id=customer_id, channel=channel)
    return render(request, "public/unsubscribe.html", cache_control=NO_STORE, channel=channel, done=True)


def _read(request: Request, token: str) -> tuple[UUID, Channel]:
    value: Any = signed_tokens.verify(request.services.secret_key, "unsubscribe", token)
    if value is None:
        raise errors.NotFound
    customer_id, channel = value
    return UUID(customer_id), channel


PAGES: Final = [messages, show, unsubscribe]
