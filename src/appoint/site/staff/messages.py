"""What people were told, on staff's pages, and the page behind the link by which customers say that they want no more
of such messages."""

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

MOST: Final = 50
EVERY: Final = "all"
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
    """Those that could not be sent come first, as long as there are any; of one patient, all."""
    said = query_params(request)
    patient, dead = parse_id(said.get("patient")), await reads.count_dead(request.db, clinic_id)
    status = (
        said.get("status")
        if said.get("status") in (*STATUSES, EVERY)
        else NotificationStatus.DEAD
        if dead and not patient
        else EVERY
    )
    found = await reads.newest(
        request.db,
        clinic_id=clinic_id,
        status=None if status == EVERY else status,
        customer_id=str(patient) if patient else None,
        before=parse_id(said.get("before")),
        limit=MOST,
    )
    shown = found[:MOST]
    return await staff_page(
        request,
        "staff/messages/messages.html",
        clinic_id=clinic_id,
        place="messages",
        subjects=[notification.id for notification in shown],
        messages=shown,
        dead=dead,
        status=status,
        patient=patient,
        kind_of=kind_of,
        tabs=[(each, url_with(request, status=each, before=None)) for each in (*STATUSES, EVERY)],
        next=url_with(request, status=status, before=shown[-1].id) if len(found) > MOST else None,
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
    """Also what mail programs send for one click (RFC 8058)."""
    customer_id, channel = _read(request, token)
    actor = Actor(f"link:{customer_id}", address=request.client.host if request.client else None, doing="unsubscribe")
    await request.db.across().atomic(service.unsubscribe, actor, customer_id=customer_id, channel=channel)
    return render(request, "public/unsubscribe.html", cache_control=NO_STORE, channel=channel, done=True)


def _read(request: Request, token: str) -> tuple[UUID, Channel]:
    value: Any = signed_tokens.verify(request.services.secret_key, "unsubscribe", token)
    if value is None:
        raise errors.NotFound
    customer_id, channel = value
    return UUID(customer_id), channel


PAGES: Final = [messages, show, unsubscribe]
