"""A clinic's sent messages, for staff."""

from typing import Any, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...calls.joining import service as calls
from ...calls.providers.failures import SENTENCES
from ...calls.providers.gateway import default_gateway
from ...http.forms import parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ...messaging.notifications import service
from ...messaging.notifications.gateway import READABLE
from ...messaging.notifications.kinds import kind_of
from ...messaging.notifications.model import NotificationStatus
from ..rendering import allow_letters, local_pictures, url_with
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
    """Show one patient's messages, or the clinic's. If any of the clinic's are undeliverable, show only those by
    default.
    """
    query = query_params(request)
    patient, dead = parse_id(query.get("patient")), await service.count_dead(request.db, clinic_id=clinic_id)
    status = (
        query.get("status")
        if query.get("status") in (*STATUSES, ANY_STATUS)
        else NotificationStatus.DEAD
        if dead and not patient
        else ANY_STATUS
    )
    notifications = await service.list_newest(
        request.db,
        clinic_id=clinic_id,
        status=None if status == ANY_STATUS else status,
        customer_id=patient,
        before=parse_id(query.get("before")),
        limit=PAGE_SIZE,
    )
    page = notifications[:PAGE_SIZE]
    dead_calls = await calls.list_calls(request.db, clinic_id=clinic_id, state="dead", after=None, limit=PAGE_SIZE)
    return await staff_page(
        request,
        "staff/messages/messages.html",
        clinic_id=clinic_id,
        place="messages",
        subjects=[*(notification.id for notification in page), *(call.appointment_id for call in dead_calls)],
        messages=page,
        dead=dead,
        call_failures=SENTENCES,
        dead_calls=[] if patient else dead_calls,
        status=status,
        patient=patient,
        kind_of=kind_of,
        readable=READABLE,
        tabs=[(each, url_with(request, status=each, before=None)) for each in (*STATUSES, ANY_STATUS)],
        next=url_with(request, status=status, before=page[-1].id) if len(notifications) > PAGE_SIZE else None,
    )


@get(
    "/staff/{clinic_id:int}/messages/{notification_id:uuid}",
    operation_id="showMessage",
    opt=route(permission="see-messages", page=True),
    include_in_schema=False,
)
async def message(request: Request, clinic_id: FromPath[int], notification_id: FromPath[UUID]) -> Response[Any]:
    """Show what a message to a patient said."""
    if clinic_of(notification_id) != clinic_id:
        raise errors.NotFound
    content = await service.rewrite_message(
        request.services.db.across(),
        notification_id,
        default_gateway=default_gateway(request.services.settings),
        now=clock.now(),
    )
    page = await staff_page(
        request,
        "staff/messages/message.html",
        clinic_id=clinic_id,
        place="messages",
        subjects=[notification_id],
        message=content.notification,
        recipient_name=content.recipient_name,
        subject=content.subject,
        text=content.text,
        html=local_pictures(request, content.html),
        kind_of=kind_of,
    )
    return allow_letters(page)


PAGES: Final = [messages, message]
