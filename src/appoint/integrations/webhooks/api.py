"""/api/clinics/{clinicId}/webhooks and /api/webhooks"""

from typing import TypeVar
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...clinics.clinics import service as clinics
from ...http.idempotency import idempotent
from ...http.pagination import cursor_after, page_response
from ...http.request import Request, idempotency_key
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock
from ...kit.structs import Page, PageQuery
from ...settings import Settings
from . import gateway, repository, service
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

T = TypeVar("T")


class Webhooks(Controller):
    """A clinic's events, sent to a partner's system as CloudEvents, signed by the rules of Standard Webhooks. Each is
    sent until it is answered with a 2xx status, eight times in a day at most, and may arrive more than once, with the
    same `webhook-id`."""

    tags = ["Webhooks"]

    @get("/clinics/{clinic_id:int}/webhooks", operation_id="listWebhooks", opt=route(permission="manage"))
    async def list(self, request: Request, clinic_id: FromPath[int], query: PageQuery) -> Response[Page[Webhook]]:
        """A clinic's webhooks, oldest first."""
        found = await repository.of_clinic(
            request.db, clinic_id, after=cursor_after(request, query, tuple[UUID]), limit=query.limit
        )
        if not found:
            await clinics.get(request.db, clinic_id)
        return page_response(request, query, found, lambda webhook: (webhook.id,), subject=lambda webhook: webhook.id)

    @post(
        "/clinics/{clinic_id:int}/webhooks",
        operation_id="createWebhook",
        opt=route(permission="manage", problems=("clinic-inactive", "too-many-webhooks")),
    )
    async def create(
        self, request: Request, clinic_id: FromPath[int], data: JSONBody[WebhookContent]
    ) -> Response[WebhookWithSecret]:
        """Send a clinic's events to a URL. The answer shows the secret that they are signed with, this once."""
        idempotency_key(request)  # whether it can be one is told before anything is looked up
        await clinics.get(request.db, clinic_id)
        await gateway.check(data.url, private_addresses=_settings(request).webhook_private_addresses)
        webhook, replayed = await idempotent(
            request,
            data,
            lambda tx: service.add(tx, request.user, clinic_id=clinic_id, content=data),
            remember=lambda webhook: webhook.id,
            recall=lambda tx, known: service.with_secret(tx, UUID(known)),
        )
        return created_response(request, webhook, f"/api/webhooks/{webhook.id}", replayed=replayed)

    @get("/webhooks/{webhook_id:uuid}", operation_id="getWebhook", opt=route(permission="manage"))
    async def find(self, request: Request, webhook_id: FromPath[UUID]) -> Response[Webhook]:
        """One webhook, active or not."""
        return json_response(request, await service.get(request.db, webhook_id), subjects=[webhook_id])

    @patch("/webhooks/{webhook_id:uuid}", operation_id="patchWebhook", opt=route(permission="manage"))
    async def patch(
        self, request: Request, webhook_id: FromPath[UUID], data: JSONBody[WebhookPatch]
    ) -> Response[Webhook]:
        """Change some of it (JSON merge patch). `enabled: true` switches a disabled webhook on again."""
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
        """Send nothing more to it, not even what waits."""
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
        """Send a sample event, `webhook.test`, and say what became of it. When the request is repeated, the same sample
        is sent again, with the same `webhook-id`."""
        sample, replayed = await idempotent(
            request,
            None,
            lambda tx: service.sample(tx, request.user, webhook_id=webhook_id, now=clock.now()),
            remember=msgspec.to_builtins,
            recall=lambda _, known: _again(known, Sample),
        )
        private = _settings(request).webhook_private_addresses
        return json_response(
            request,
            await service.test(request.db, sample=sample, private_addresses=private, now=clock.now()),
            headers=replay_headers(replayed),
        )

    @post(
        "/webhooks/{webhook_id:uuid}/rotateSecret",
        operation_id="rotateWebhookSecret",
        status_code=HTTP_200_OK,
        opt=route(permission="manage"),
    )
    async def rotate_secret(self, request: Request, webhook_id: FromPath[UUID]) -> Response[WebhookWithSecret]:
        """Give it another secret, which the answer shows this once. For 24 hours, events are signed with the old one
        too."""
        webhook, replayed = await idempotent(
            request,
            None,
            lambda tx: service.rotate_secret(tx, request.user, webhook_id=webhook_id, now=clock.now()),
            remember=lambda webhook: webhook.id,
            recall=lambda tx, known: service.with_secret(tx, UUID(known)),
        )
        return json_response(request, webhook, headers=replay_headers(replayed))

    @get("/webhooks/{webhook_id:uuid}/deliveries", operation_id="listWebhookDeliveries", opt=route(permission="manage"))
    async def deliveries(
        self, request: Request, webhook_id: FromPath[UUID], query: DeliveryFilter
    ) -> Response[Page[WebhookDelivery]]:
        """What was sent to it and what waits, the oldest events first."""
        place = cursor_after(request, query, tuple[UUID])
        found = await repository.deliveries(request.db, webhook_id, status=query.status, after=place, limit=query.limit)
        if not found:
            await service.get(request.db, webhook_id)
        return page_response(
            request,
            query,
            found,
            lambda delivery: (delivery.event_id,),
            subject=lambda delivery: delivery.id,
            parent=webhook_id,
        )

    @post(
        "/webhooks/{webhook_id:uuid}/replay",
        operation_id="replayWebhook",
        status_code=HTTP_200_OK,
        opt=route(permission="manage"),
    )
    async def replay(self, request: Request, webhook_id: FromPath[UUID], query: ReplayQuery) -> Response[WebhookReplay]:
        """Send it once more what has happened since then and what it wants to know, also what has arrived already."""
        kept_days = _settings(request).event_log_days
        queued, replayed = await idempotent(
            request,
            None,
            lambda tx: service.replay(
                tx, request.user, webhook_id=webhook_id, since=query.since, kept_days=kept_days, now=clock.now()
            ),
            remember=lambda queued: queued,
            recall=lambda _, known: _again(known, int),
        )
        return json_response(request, WebhookReplay(queued), headers=replay_headers(replayed))


def _settings(request: Request) -> Settings:
    return request.services.settings


async def _again(known: object, type: type[T]) -> T:
    return msgspec.convert(known, type)
