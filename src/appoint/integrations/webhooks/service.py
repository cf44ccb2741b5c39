"""Manage webhooks, send sample events, and record the outcomes of deliveries.

The gateway is imported on first use: its HTTP client takes a tenth of a second to import, and most servers never send a
webhook.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Database, Statements, Transaction
from ...events.model import Event, cloud_event
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of, new_id, smallest_uuid7
from ...kit.key_ring import UnreadableError
from ...kit.structs import content_after
from .model import (
    MAX_WEBHOOKS,
    OLD_SECRET_TTL,
    SECRET_BYTES,
    DeliveryOutcome,
    DeliveryStatus,
    Endpoint,
    Sample,
    Webhook,
    WebhookContent,
    WebhookDelivery,
    WebhookPatch,
    WebhookTrial,
    WebhookWithSecret,
    serialize_secret,
    signed_headers,
)
from .repository import deliveries, webhooks

if TYPE_CHECKING:
    from ...kit.public_internet import Pool


async def get(db: Statements, webhook_id: UUID) -> Webhook:
    """Return a webhook, active or removed. Raise `NotFound`."""
    if webhook := await webhooks.find(db, webhook_id):
        return webhook
    raise errors.NotFound


async def list_webhooks(db: Statements, clinic_id: int) -> list[Webhook]:
    """Return a clinic's active webhooks, oldest first."""
    return await webhooks.list_for_clinic(db, clinic_id, after=None, limit=MAX_WEBHOOKS)


async def list_deliveries(
    db: Statements, webhook_id: UUID, *, status: DeliveryStatus | None, before: UUID | None, limit: int
) -> list[WebhookDelivery]:
    """Return up to `limit` of a webhook's deliveries, newest events first, plus one if there are more."""
    return await deliveries.list_newest(db, webhook_id, status=status, before=before, limit=limit)


async def _get_active(db: Statements, webhook_id: UUID) -> Webhook:
    webhook = await get(db, webhook_id)
    if not webhook.active:
        raise errors.NotFound
    return webhook


async def _get_endpoint(db: Statements, webhook_id: UUID) -> Endpoint:
    try:
        endpoint = await webhooks.find_endpoint(db, webhook_id)
    except UnreadableError as error:  # until the operator restores the key
        raise errors.Unavailable from error
    if endpoint is None:
        raise errors.NotFound
    return endpoint


async def get_without_secret(db: Statements, webhook_id: UUID) -> WebhookWithSecret:
    """Return a webhook, without its secret, for the response to a repeated request. Raise `NotFound`."""
    return _with_secret(await get(db, webhook_id), None)


def _with_secret(webhook: Webhook, secret: bytes | None) -> WebhookWithSecret:
    return WebhookWithSecret(**msgspec.structs.asdict(webhook), secret=serialize_secret(secret) if secret else None)


async def add(tx: Transaction, actor: Actor, *, clinic_id: int, content: WebhookContent) -> WebhookWithSecret:
    """Add a webhook with a URL that `check_url` has accepted. Raise `NotFound`, or `Conflict`: `clinic-inactive`,
    `too-many-webhooks`."""
    await clinics.lock_active(tx, clinic_id)  # serialises concurrent additions, so that the limit holds
    if await webhooks.count(tx, clinic_id) >= MAX_WEBHOOKS:
        raise errors.Conflict("too-many-webhooks", most=MAX_WEBHOOKS)
    secret = secrets.token_bytes(SECRET_BYTES)
    webhook = await webhooks.add(tx, clinic_id, _normalize(content), secret=secret)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[webhook.id])
    return _with_secret(webhook, secret)


def _normalize(content: WebhookContent) -> WebhookContent:
    return msgspec.structs.replace(content, event_types=sorted(set(content.event_types)))


async def change(
    db: Database, actor: Actor, *, webhook_id: UUID, change: WebhookPatch, private_addresses: bool, if_match: str | None
) -> Webhook:
    """Change some of a webhook's details, or enable it again. Raise `NotFound`, even for a removed webhook, or
    `Invalid` under the same conditions as `check_url`."""
    await _get_active(db, webhook_id)
    if change.url is not msgspec.UNSET:
        await check_url(change.url, private_addresses=private_addresses)
    return await db.atomic(_change, actor, webhook_id=webhook_id, change=change, if_match=if_match)


async def check_url(url: str, *, private_addresses: bool) -> None:
    """Raise `Invalid` for an unacceptable URL. Call this outside transactions, because it resolves the host name."""
    from . import gateway  # noqa: PLC0415

    await gateway.check_url(url, private_addresses=private_addresses)


async def _change(
    tx: Transaction, actor: Actor, *, webhook_id: UUID, change: WebhookPatch, if_match: str | None
) -> Webhook:
    current = await _lock(tx, webhook_id, if_match)
    content = _normalize(content_after(change, current, WebhookContent))
    enabled = change.enabled is True
    changed = await webhooks.change(
        tx,
        webhook_id,
        content,
        disabled_at=None if enabled else current.disabled_at,
        failing_since=None if enabled or content.url != current.url else current.failing_since,
    )
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return changed


async def remove(tx: Transaction, actor: Actor, *, webhook_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove a webhook and discard its queued deliveries. Raise `NotFound`."""
    await _lock(tx, webhook_id, if_match)
    await webhooks.remove(tx, webhook_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])


async def _lock(tx: Transaction, webhook_id: UUID, if_match: str | None) -> Webhook:
    webhook = await webhooks.lock(tx, webhook_id)
    if webhook is None:
        raise errors.NotFound
    await clinics.check_version(tx, clinic_of(webhook_id), if_match=if_match, version=webhook.version)
    return webhook


async def rotate_secret(tx: Transaction, actor: Actor, *, webhook_id: UUID, now: datetime) -> WebhookWithSecret:
    """Replace the webhook's secret. For a day, deliveries are signed with both secrets. Raise `NotFound`, even for a
    removed webhook."""
    secret = secrets.token_bytes(SECRET_BYTES)
    webhook = await webhooks.rotate_secret(tx, webhook_id, secret=secret, old_secret_until=now + OLD_SECRET_TTL)
    if webhook is None:
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return _with_secret(webhook, secret)


async def create_sample(tx: Transaction, actor: Actor, *, webhook_id: UUID, now: datetime) -> Sample:
    """Choose a sample event's id and time, for `send_sample`. Raise `NotFound`, even for a removed webhook."""
    await _get_active(tx, webhook_id)
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return Sample(webhook_id, new_id(clinic_of(webhook_id)), now)


async def send_sample(db: Database, *, sample: Sample, private_addresses: bool, now: datetime) -> WebhookTrial:
    """Send the sample now, once, even to a disabled webhook. Doesn't write to the database. Raise `NotFound`."""
    from ...kit.public_internet import connection_pool  # noqa: PLC0415
    from . import gateway  # noqa: PLC0415

    endpoint = await _get_endpoint(db, sample.webhook_id)
    async with connection_pool(private_addresses=private_addresses) as pool:
        outcome = await send(pool, endpoint, gateway.sample_event(sample), seconds=gateway.RESPONSE_SECONDS, now=now)
    return WebhookTrial(outcome.reason is None, outcome.response_status, outcome.milliseconds, outcome.reason)


async def send(pool: "Pool", endpoint: Endpoint, event: Event, *, seconds: float, now: datetime) -> DeliveryOutcome:
    """Send an event, signed with the webhook's secret and, while it is still valid, the old one."""
    from . import gateway  # noqa: PLC0415

    body = cloud_event(event)
    headers = signed_headers(str(event.id), body, secrets=endpoint.valid_secrets(now), now=now)
    return await gateway.post(pool, endpoint.url, body, headers=headers, seconds=seconds)


async def replay(
    tx: Transaction, actor: Actor, *, webhook_id: UUID, since: datetime, retention_days: int, now: datetime
) -> int:
    """Requeue the webhook's events since the given time, whether or not they have been delivered. Only types the
    webhook subscribes to are queued. Return how many there are.

    Raise `NotFound`, even for a removed webhook, or `Invalid` for a time before the oldest logged event.
    """
    await _get_active(tx, webhook_id)
    if since < now - timedelta(days=retention_days):
        raise errors.Invalid(errors.Fault("?since", "must not be more than {days} days ago", days=retention_days))
    queued = await deliveries.queue_again(tx, webhook_id, first_event_id=smallest_uuid7(since), now=now)
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return queued


async def fan_out(tx: Transaction, events: Sequence[Event]) -> None:
    """Event subscriber: queue events for their clinics' webhooks."""
    await deliveries.queue(tx, events)
