"""SQL for delivering events to webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from ....database.pool import Statements, affected, to
from ....events.model import Event
from ....kit.ids import clinic_of
from ..model import DeliveryStatus, Webhook, WebhookDelivery


class LoggedEvent(NamedTuple):
    """An event in the log. See `events.model.StoredEvent`."""

    clinic_id: int
    id: UUID
    type: str
    subject_id: str
    subject_version: int
    data: str
    traceparent: str | None
    created_at: datetime


class DueDelivery(NamedTuple):
    """A delivery to attempt."""

    id: UUID
    version: int
    attempts: int
    event: LoggedEvent | None
    """None if the event has been deleted from the log."""


async def list_oldest(
    db: Statements, webhook_id: UUID, *, status: DeliveryStatus | None, after: tuple[UUID] | None, limit: int
) -> list[WebhookDelivery]:
    """Return up to `limit` of a webhook's deliveries, oldest events first, plus one if there are more."""
    rows = await db.fetch(
        """
        select * from webhook_delivery
         where clinic_id = $1 and webhook_id = $2 and ($3::text is null or status = $3) and event_id > $4
         order by event_id
         limit $5 + 1
        """,
        clinic_of(webhook_id),
        webhook_id,
        status,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [to(WebhookDelivery, row) for row in rows]


async def list_newest(
    db: Statements, webhook_id: UUID, *, status: DeliveryStatus | None, before: UUID | None, limit: int
) -> list[WebhookDelivery]:
    """Return up to `limit` of a webhook's deliveries, newest events first, plus one if there are more."""
    rows = await db.fetch(
        """
        select * from webhook_delivery
         where clinic_id = $1 and webhook_id = $2
           and ($3::text is null or status = $3) and ($4::uuid is null or event_id < $4)
         order by event_id desc
         limit $5 + 1
        """,
        clinic_of(webhook_id),
        webhook_id,
        status,
        before,
        limit,
    )
    return [to(WebhookDelivery, row) for row in rows]


async def queue(tx: Statements, events: Sequence[Event]) -> None:
    """Queue events for their clinics' subscribed webhooks. Existing deliveries stay as they are."""
    await tx.execute(
        """
        insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
        select w.clinic_id, mint_id(w.clinic_id), w.id, e.id, e.type, e.subject_id, e.created_at
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[])
               as e (clinic_id, id, type, subject_id, created_at)
          join webhook w on w.clinic_id = e.clinic_id
         where w.active and w.disabled_at is null and (w.event_types = '{}' or e.type = any(w.event_types))
        on conflict do nothing
        """,
        [event.clinic_id for event in events],
        [event.id for event in events],
        [event.type for event in events],
        [event.subject_id for event in events],
        [event.created_at for event in events],
    )


async def queue_again(tx: Statements, webhook_id: UUID, *, first_event_id: UUID, now: datetime) -> int:
    """Requeue all subscribed events, starting with the given one, whether or not they have been delivered. Each gets
    its full number of attempts. Return how many events there are."""
    tag = await tx.execute(
        """
        insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
        select w.clinic_id, mint_id(w.clinic_id), w.id, e.id, e.type, e.subject_id, $4
          from webhook w
          join event_log e on e.clinic_id = $1 and e.id >= $3 and (w.event_types = '{}' or e.type = any(w.event_types))
         where w.clinic_id = $1 and w.id = $2
        on conflict (clinic_id, webhook_id, event_id) do update
           set status = 'queued', attempts = 0, due_at = excluded.due_at,
               response_status = null, reason = null, delivered_at = null,
               version = webhook_delivery.version + 1, updated_at = excluded.updated_at
        """,
        clinic_of(webhook_id),
        webhook_id,
        first_event_id,
        now,
    )
    return affected(tag)


async def list_due(db: Statements, webhook_id: UUID, *, now: datetime, limit: int) -> list[DueDelivery]:
    """Return due deliveries, oldest events first. Only the first queued delivery for each subject is due, so if it
    fails, later ones wait behind it."""
    rows = await db.fetch(
        """
        select d.id as delivery_id, d.version, d.attempts,
               e.clinic_id, e.id, e.type, e.subject_id, e.subject_version, e.data, e.traceparent, e.created_at
          from webhook_delivery d
          left join event_log e on e.clinic_id = d.clinic_id and e.id = d.event_id
         where d.clinic_id = $1 and d.webhook_id = $2 and d.status = 'queued' and d.due_at <= $3
           and not exists (select from webhook_delivery earlier
                            where earlier.clinic_id = $1 and earlier.webhook_id = $2
                              and earlier.subject_id = d.subject_id and earlier.event_id < d.event_id
                              and earlier.status = 'queued')
         order by d.event_id
         limit $4
        """,
        clinic_of(webhook_id),
        webhook_id,
        now,
        limit,
    )
    return [_due_delivery(*row) for row in rows]


def _due_delivery(id: UUID, version: int, attempts: int, clinic_id: int | None, *event: Any) -> DueDelivery:
    return DueDelivery(id, version, attempts, LoggedEvent(clinic_id, *event) if clinic_id is not None else None)


async def record_success(
    db: Statements, delivery_id: UUID, *, version: int, response_status: int | None, now: datetime
) -> None:
    """Record a successful attempt, and that the webhook is no longer failing. Do nothing if the delivery has changed
    since that version."""
    await db.execute(
        """
        with delivered as (
          update webhook_delivery
             set status = 'delivered', attempts = attempts + 1, delivered_at = $4, response_status = $5, reason = null,
                 version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2 and version = $3
          returning webhook_id
        )
        update webhook w set failing_since = null, version = w.version + 1, updated_at = now()
          from delivered
         where w.clinic_id = $1 and w.id = delivered.webhook_id and w.failing_since is not null
        """,
        clinic_of(delivery_id),
        delivery_id,
        version,
        now,
        response_status,
    )


async def record_failure(
    db: Statements,
    delivery_id: UUID,
    *,
    version: int,
    due_at: datetime | None,
    response_status: int | None,
    reason: str,
    disable_from: datetime,
    now: datetime,
) -> Webhook | None:
    """Record a failed attempt. The next one is at `due_at`; None means that there won't be another. Do nothing if the
    delivery has changed since that version.

    Disable a webhook that has been failing since `disable_from` or earlier. Return the webhook if it changed, that is,
    if it has just started to fail or been disabled.
    """
    row = await db.fetchrow(
        """
        with failed as (
          update webhook_delivery
             set status = case when $5::timestamptz is null then 'failed' else 'queued' end,
                 due_at = coalesce($5, due_at), attempts = attempts + 1, response_status = $6, reason = $7,
                 version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2 and version = $3
          returning webhook_id
        )
        update webhook w
           set failing_since = coalesce(w.failing_since, $4),
               disabled_at = case when coalesce(w.failing_since, $4) <= $8 then $4 end,
               version = w.version + 1, updated_at = now()
          from failed
         where w.clinic_id = $1 and w.id = failed.webhook_id and w.active and w.disabled_at is null
           and (w.failing_since is null or w.failing_since <= $8)
        returning w.*
        """,
        clinic_of(delivery_id),
        delivery_id,
        version,
        now,
        due_at,
        response_status,
        reason,
        disable_from,
    )
    return to(Webhook, row) if row else None


async def give_up(db: Statements, delivery_id: UUID, *, version: int, reason: str) -> None:
    """Record that the delivery cannot be attempted, through no fault of the webhook."""
    await db.execute(
        """
        update webhook_delivery set status = 'failed', reason = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and version = $3
        """,
        clinic_of(delivery_id),
        delivery_id,
        version,
        reason,
    )


async def delete_old(db: Statements, *, before: datetime) -> int:
    """Delete all clinics' deliveries created before the given time. Keep queued ones whose event still exists. Return
    how many were deleted."""
    tag = await db.execute(
        """
        delete from webhook_delivery d
         where created_at < $1
           and (status <> 'queued'
                or (select true from event_log e where e.clinic_id = d.clinic_id and e.id = d.event_id) is null)
        """,
        before,
    )
    return affected(tag)
