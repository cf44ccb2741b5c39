"""Manage webhooks, test them, and record the outcomes of deliveries."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.clinics import repository as clinics_repository
from ...clinics.clinics import service as clinics
from ...database.pool import Database, Row, Statements, Transaction, to
from ...events import repository as events_repository
from ...events.model import Event, WebhookDisabled, cloud_event
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of, new_id, smallest_uuid7
from ...kit.structs import merge
from . import gateway, repository
from .model import (
    GONE,
    MOST_WEBHOOKS,
    OVERLAP,
    PATIENCE,
    SECRET_BYTES,
    Outcome,
    Sample,
    Webhook,
    WebhookContent,
    WebhookPatch,
    WebhookTrial,
    WebhookWithSecret,
    serialized,
    signed,
    wait_after,
)


async def get(db: Statements, webhook_id: UUID) -> Webhook:
    """Raises `NotFound`."""
    if row := await repository.find(db, webhook_id):
        return to(Webhook, row)
    raise errors.NotFound


async def with_secret(db: Statements, webhook_id: UUID) -> WebhookWithSecret:
    """Raises `NotFound`."""
    if row := await repository.find(db, webhook_id):
        return _with_secret(row)
    raise errors.NotFound


def _with_secret(row: Row) -> WebhookWithSecret:
    return WebhookWithSecret(**msgspec.structs.asdict(to(Webhook, row)), secret=serialized(row.secret))


async def add(tx: Transaction, actor: Actor, *, clinic_id: int, content: WebhookContent) -> WebhookWithSecret:
    """Add a webhook with a URL that `gateway.check` has passed. Raises `NotFound`, or `Conflict`:
    `clinic-inactive`, `too-many-webhooks`."""
    clinic = await clinics_repository.lock(tx, clinic_id)  # serialises concurrent additions, so the limit holds
    if clinic is None:
        raise errors.NotFound
    if not clinic.active:
        raise errors.Conflict("clinic-inactive")
    if await repository.count(tx, clinic_id) >= MOST_WEBHOOKS:
        raise errors.Conflict("too-many-webhooks", most=MOST_WEBHOOKS)
    row = await repository.add(tx, clinic_id, _tidied(content), secret=secrets.token_bytes(SECRET_BYTES))
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[row.id])
    return _with_secret(row)


def _tidied(content: WebhookContent) -> WebhookContent:
    return msgspec.structs.replace(content, event_types=sorted(set(content.event_types)))


async def change(
    db: Database, actor: Actor, *, webhook_id: UUID, change: WebhookPatch, private_addresses: bool, if_match: str | None
) -> Webhook:
    """Change some of a webhook's details, or enable it again. Raises `NotFound`, also for a removed webhook, and
    `Invalid` as `gateway.check` does."""
    if not (await get(db, webhook_id)).active:
        raise errors.NotFound
    if change.url is not msgspec.UNSET:
        await gateway.check(change.url, private_addresses=private_addresses)
    return await db.atomic(_change, actor, webhook_id=webhook_id, change=change, if_match=if_match)


async def _change(
    tx: Transaction, actor: Actor, *, webhook_id: UUID, change: WebhookPatch, if_match: str | None
) -> Webhook:
    current = await _locked(tx, webhook_id, if_match)
    content = _tidied(merge(msgspec.convert(current, WebhookContent, from_attributes=True), change))
    enabled = change.enabled is True
    changed = await repository.change(
        tx,
        webhook_id,
        content,
        disabled_at=None if enabled else current.disabled_at,
        failing_since=None if enabled or content.url != current.url else current.failing_since,
    )
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return to(Webhook, changed)


async def remove(tx: Transaction, actor: Actor, *, webhook_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove a webhook. Events that wait for it are not sent. Raises `NotFound`."""
    await _locked(tx, webhook_id, if_match)
    await repository.remove(tx, webhook_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])


async def _locked(tx: Transaction, webhook_id: UUID, if_match: str | None) -> Webhook:
    row = await repository.lock(tx, webhook_id)
    if row is None:
        raise errors.NotFound
    await clinics.check_version(tx, clinic_of(webhook_id), if_match=if_match, version=row.version)
    return to(Webhook, row)


async def rotate_secret(tx: Transaction, actor: Actor, *, webhook_id: UUID, now: datetime) -> WebhookWithSecret:
    """Replace the webhook's secret. For a day, deliveries are signed with both secrets. Raises `NotFound`."""
    row = await repository.rotate(
        tx, webhook_id, secret=secrets.token_bytes(SECRET_BYTES), old_secret_until=now + OVERLAP
    )
    if row is None:
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return _with_secret(row)


async def sample(tx: Transaction, actor: Actor, *, webhook_id: UUID, now: datetime) -> Sample:
    """Choose the id and time of a sample event, which `test` sends. Raises `NotFound`, also for a removed webhook."""
    if not (await get(tx, webhook_id)).active:
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return Sample(webhook_id, new_id(clinic_of(webhook_id)), now)


async def test(db: Database, *, sample: Sample, private_addresses: bool, now: datetime) -> WebhookTrial:
    """Send the sample now, once, even to a disabled webhook. Writes nothing. Raises `NotFound`."""
    row = await repository.find(db, sample.webhook_id)
    if row is None:
        raise errors.NotFound
    async with gateway.pool(private_addresses=private_addresses) as pool:
        outcome = await send(pool, row, gateway.sample(row.clinic_id, sample), seconds=gateway.ANSWER_SECONDS, now=now)
    return WebhookTrial(outcome.reason is None, outcome.response_status, outcome.milliseconds, outcome.reason)


async def send(pool: gateway.Pool, webhook: Row, event: Event, *, seconds: float, now: datetime) -> Outcome:
    """Send an event, signed with the webhook's secret and, while it is valid, with the old one."""
    old = [webhook.old_secret] if webhook.old_secret_until and webhook.old_secret_until > now else []
    body = cloud_event(event)
    headers = signed(str(event.id), body, secrets=[webhook.secret, *old], now=now)
    return await gateway.post(pool, webhook.url, body, headers=headers, seconds=seconds)


async def replay(
    tx: Transaction, actor: Actor, *, webhook_id: UUID, since: datetime, kept_days: int, now: datetime
) -> int:
    """Queue the clinic's events since then once more, delivered or not, as far as the webhook subscribes to them. Return
    how many.

    Raises `NotFound`, also for a removed webhook, and `Invalid` for a time before the oldest logged event.
    """
    if not (await get(tx, webhook_id)).active:
        raise errors.NotFound
    if since < now - timedelta(days=kept_days):
        raise errors.Invalid(errors.Fault("?since", "must not be more than {days} days ago", days=kept_days))
    queued = await repository.queue_again(tx, webhook_id, first_event_id=smallest_uuid7(since), now=now)
    await audit.record(tx, actor, clinic_id=clinic_of(webhook_id), subjects=[webhook_id])
    return queued


async def fan_out(tx: Transaction, events: Sequence[Event]) -> None:
    """Queue events for the webhooks of their clinics. A disabled webhook causes an event too, for the clinic's others."""
    await repository.queue(tx, events)


async def record(
    tx: Transaction, *, delivery_id: UUID, version: int, attempts: int, outcome: Outcome, jitter: float, now: datetime
) -> None:
    """Record the outcome of a delivery's attempt after `attempts` failed ones.

    Do nothing if the delivery has changed since `version`: it was replayed, or another worker sent it because this one
    was slow.
    """
    if outcome.reason is None:
        await repository.succeed(tx, delivery_id, version=version, response_status=outcome.response_status, now=now)
        return
    is_gone = outcome.response_status == GONE
    wait = None if is_gone else wait_after(attempts + 1, jitter=jitter)
    changed = await repository.fail(
        tx,
        delivery_id,
        version=version,
        due_at=now + wait if wait else None,
        response_status=outcome.response_status,
        reason=outcome.reason,
        disable_from=now if is_gone else now - PATIENCE,
        now=now,
    )
    if changed and changed.disabled_at:
        fact = msgspec.json.encode(WebhookDisabled(failing_since=changed.failing_since)).decode()
        await events_repository.append_event(
            tx,
            clinic_id=changed.clinic_id,
            type="webhook.disabled",
            subject_id=str(changed.id),
            subject_version=changed.version,
            data=fact,
        )
