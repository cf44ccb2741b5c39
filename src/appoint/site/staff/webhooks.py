"""A clinic's webhooks and their deliveries, for staff."""

from datetime import timedelta
from typing import Any, Final, cast, get_args
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from ...http.forms import parse_id, query_params
from ...http.request import Request
from ...http.routes import route
from ...integrations.webhooks import service
from ...integrations.webhooks.model import EVENT_TYPES, DeliveryStatus
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ..rendering import url_with
from ..staff_frame import staff_page

PAGE_SIZE: Final = 50
REPLAY_RANGES: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=7))
"""How far back users can go when they resend events."""


@get(
    "/staff/{clinic_id:int}/webhooks",
    operation_id="showWebhooks",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def webhooks(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    active_webhooks = await service.list_webhooks(request.db, clinic_id)
    return await staff_page(
        request,
        "staff/webhooks/webhooks.html",
        clinic_id=clinic_id,
        place="keys",
        subjects=[webhook.id for webhook in active_webhooks],
        webhooks=active_webhooks,
    )


@get(
    "/staff/{clinic_id:int}/webhooks/new",
    operation_id="showNewWebhook",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def new(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    return await staff_page(
        request, "staff/webhooks/webhook.html", clinic_id=clinic_id, place="keys", webhook=None, types=EVENT_TYPES
    )


@get(
    "/staff/{clinic_id:int}/webhooks/{webhook_id:uuid}",
    operation_id="showWebhook",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def webhook(request: Request, clinic_id: FromPath[int], webhook_id: FromPath[UUID]) -> Response[Any]:
    if clinic_of(webhook_id) != clinic_id:
        raise errors.NotFound
    query, now = query_params(request), clock.now()
    status = cast("DeliveryStatus", query["status"]) if query.get("status") in get_args(DeliveryStatus) else None
    details = await service.get(request.db, webhook_id)
    deliveries = await service.list_deliveries(
        request.db, webhook_id, status=status, before=parse_id(query.get("before")), limit=PAGE_SIZE
    )
    page = deliveries[:PAGE_SIZE]
    return await staff_page(
        request,
        "staff/webhooks/webhook.html",
        clinic_id=clinic_id,
        place="keys",
        subjects=[webhook_id, *(delivery.id for delivery in page)],
        webhook=details,
        types=EVENT_TYPES,
        deliveries=page,
        status=status,
        tabs=[(each, url_with(request, status=each, before=None)) for each in (None, *get_args(DeliveryStatus))],
        since=[(now - back).isoformat(timespec="seconds") for back in REPLAY_RANGES],
        next=url_with(request, before=page[-1].event_id) if len(deliveries) > PAGE_SIZE else None,
    )


PAGES: Final = [webhooks, new, webhook]
