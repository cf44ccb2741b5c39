"""/api/clinics/{clinicId}/webhooks and /api/webhooks"""

from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...clinics.clinics import service as clinics
from ...http.pagination import cursor_after
from ...http.request import Request, idempotency_key
from ...http.resources import idempotent_resource, idempotent_result, resource_page
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page, PageQuery
from ...settings import Settings
from . import service
from .model import (
    DeliveryFilter,
    ReplayQuery,
    Sample,
    Webhook,
    WebhookContent,
    WebhookDelivery,
    WebhookPatch,
    WebhookReplay,
    WebhookTrial,
    WebhookWithSecret,
)
from .repository import deliveries, webhooks


class Webhooks(Controller):
    """Webhooks send a clinic's events to partners' systems as CloudEvents, signed according to Standard Webhooks.
    Appoint sends each event until the system responds with a 2xx status, up to eight times within a day. An event may
    arrive more than once, with the same `webhook-id`."""

    tags = ["Webhooks"]

    @get("/clinics/{clinic_id:int}/webhooks", operation_id="listWebhooks", opt=route(permission="manage"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: PageQuery) -> Response[Page[Webhook]]:
        """List a clinic's webhooks, oldest first."""
        page = await webhooks.list_for_clinic(
            request.db, clinic_id, after=cursor_after(request, query, tuple[UUID]), limit=query.limit
        )
        if not page:
            await clinics.get(request.db, clinic_id)
        return resource_page(request, query, page)

    @post(
        "/clinics/{clinic_id:int}/webhooks",
        operation_id="createWebhook",
        opt=route(permission="manage", problems=("clinic-inactive", "too-many-webhooks")),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[WebhookContent]
    ) -> Response[WebhookWithSecret]:
        """Create a webhook, which sends a clinic's events to a URL. Only this response contains the secret for checking
        signatures; the response to a repeated request omits it."""
        idempotency_key(request)  # rejects an invalid key before anything else happens
        await clinics.get(request.db, clinic_id)
        await service.check_url(data.url, private_addresses=_settings(request).webhook_private_addresses)
        webhook, replayed = await idempotent_resource(
            request,
            data,
            lambda tx: service.add(tx, request.user, clinic_id=clinic_id, content=data),
            service.get_without_secret,
        )
        return created_response(request, webhook, f"/api/webhooks/{webhook.id}", replayed=replayed)

    @get("/webhooks/{webhook_id:uuid}", operation_id="getWebhook", opt=route(permission="manage"))
    async def find(self, request: Request, webhook_id: FromPath[UUID]) -> Response[Webhook]:
        """Return a webhook, active or removed."""
        return json_response(request, await service.get(request.db, webhook_id), subjects=[webhook_id])

    @patch("/webhooks/{webhook_id:uuid}", operation_id="patchWebhook", opt=route(permission="manage"))
    async def patch(
        self, request: Request, webhook_id: FromPath[UUID], data: JSONBody[WebhookPatch]
    ) -> Response[Webhook]:
        """Update a webhook (JSON merge patch). `enabled: true` enables a disabled webhook again."""
        webhook = await service.change(
            request.db,
            request.user,
            webhook_id=webhook_id,
            change=data,
            private_addresses=_settings(request).webhook_private_addresses,
            if_match=request.if_match,
        )
        return json_response(request, webhook)

    @delete(
        "/webhooks/{webhook_id:uuid}",
        operation_id="removeWebhook",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="manage"),
    )
    async def remove(self, request: Request, webhook_id: FromPath[UUID]) -> None:
        """Remove a webhook. Its queued events are not sent."""
        await request.db.atomic(
            service.remove, request.user, webhook_id=webhook_id, if_match=request.if_match, now=clock.now()
        )

    @post(
        "/webhooks/{webhook_id:uuid}/test",
        operation_id="testWebhook",
        status_code=HTTP_200_OK,
        opt=route(permission="manage"),
    )
    async def test(self, request: Request, webhook_id: FromPath[UUID]) -> Response[WebhookTrial]:
        """Send a sample event, `webhook.test`, and return the outcome. A repeated request sends the same sample again,
        with the same `webhook-id`."""
        sample, replayed = await idempotent_result(
            request,
            None,
            lambda tx: service.create_sample(tx, request.user, webhook_id=webhook_id, now=clock.now()),
            Sample,
        )
        private = _settings(request).webhook_private_addresses
        return json_response(
            request,
            await service.send_sample(request.db, sample=sample, private_addresses=private, now=clock.now()),
            headers=replay_headers(replayed),
        )

    @post(
        "/webhooks/{webhook_id:uuid}/rotateSecret",
        operation_id="rotateWebhookSecret",
        status_code=HTTP_200_OK,
        opt=route(permission="manage"),
    )
    async def rotate_secret(self, request: Request, webhook_id: FromPath[UUID]) -> Response[WebhookWithSecret]:
        """Replace a webhook's secret. Only this response contains the new one; the response to a repeated request omits
        it. For 24 hours, events are also signed with the old one."""
        webhook, replayed = await idempotent_resource(
            request,
            None,
            lambda tx: service.rotate_secret(tx, request.user, webhook_id=webhook_id, now=clock.now()),
            service.get_without_secret,
        )
        return json_response(request, webhook, headers=replay_headers(replayed))

    @get("/webhooks/{webhook_id:uuid}/deliveries", operation_id="listWebhookDeliveries", opt=route(permission="manage"))
    async def list_deliveries(
        self, request: Request, webhook_id: FromPath[UUID], query: DeliveryFilter
    ) -> Response[Page[WebhookDelivery]]:
        """List a webhook's deliveries, sent and queued, oldest events first."""
        page = await deliveries.list_oldest(
            request.db,
            webhook_id,
            status=query.status,
            after=cursor_after(request, query, tuple[UUID]),
            limit=query.limit,
        )
        if not page:
            await service.get(request.db, webhook_id)
        return resource_page(request, query, page, lambda delivery: (delivery.event_id,), parent=webhook_id)

    @post(
        "/webhooks/{webhook_id:uuid}/replay",
        operation_id="replayWebhook",
        status_code=HTTP_200_OK,
        opt=route(permission="manage"),
    )
    async def replay(self, request: Request, webhook_id: FromPath[UUID], query: ReplayQuery) -> Response[WebhookReplay]:
        """Resend events since a given time, including those already delivered. Covers only the events the webhook
        subscribes to."""
        queued, replayed = await idempotent_result(
            request,
            None,
            lambda tx: service.replay(
                tx,
                request.user,
                webhook_id=webhook_id,
                since=query.since,
                retention_days=_settings(request).event_log_days,
                now=clock.now(),
            ),
            int,
        )
        return json_response(request, WebhookReplay(queued), headers=replay_headers(replayed))


def _settings(request: Request) -> Settings:
    return request.services.settings
