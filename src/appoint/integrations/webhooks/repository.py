"""Statements on webhooks and their deliveries."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...database.pool import Row, Statements, to
from ...events.model import Event
from ...kit.ids import clinic_of, new_id
from .model import DeliveryStatus, Webhook, WebhookContent, WebhookDelivery


async def find(db: Statements, webhook_id: UUID) -> Row | None:
    return await db.fetchrow(
        "select * from webhook where clinic_id = $1 and id = $2", clinic_of(webhook_id), webhook_id
    )


async def lock(tx: Statements, webhook_id: UUID) -> Row | None:
    """Return the webhook and lock it until the transaction ends."""
    return await tx.fetchrow(
        "select * from webhook where clinic_id = $1 and id = $2 for no key update", clinic_of(webhook_id), webhook_id
    )


async def of_clinic(db: Statements, clinic_id: int, *, after: tuple[UUID] | None, limit: int) -> list[Webhook]:
    """Return the active webhooks, oldest first; one more than `limit` if there are more."""
    rows = await db.fetch(
        "select * from webhook where clinic_id = $1 and active and id > $2 order by id limit $3 + 1",
        clinic_id,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [to(Webhook, row) for row in rows]


async def count(tx: Statements, clinic_id: int) -> int:
    """Return the number of active webhooks."""
    return await tx.fetchval("select count(*) from webhook where clinic_id = $1 and active", clinic_id)


async def add(tx: Statements, clinic_id: int, content: WebhookContent, *, secret: bytes) -> Row:
    row = await tx.fetchrow(
        "insert into webhook (clinic_id, id, url, description, event_types, secret) values ($1, $2, $3, $4, $5, $6) returning *",
        clinic_id,
        new_id(clinic_id),
        content.url,
        content.description,
        content.event_types,
        secret,
    )
    assert row
    return row


async def change(
    tx: Statements,
    webhook_id: UUID,
    content: WebhookContent,
    *,
    disabled_at: datetime | None,
    failing_since: datetime | None,
) -> Row:
    row = await tx.fetchrow(
        """
        update webhook
           set url = $3, description = $4, event_types = $5, disabled_at = $6, failing_since = $7,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        returning *
        """,
        clinic_of(webhook_id),
        webhook_id,
        content.url,
        content.description,
        content.event_types,
        disabled_at,
        failing_since,
    )
    assert row
    return row


async def remove(tx: Statements, webhook_id: UUID, *, now: datetime) -> None:
    """Deactivate the webhook and delete its queued deliveries."""
    await tx.execute(
        """
        with removed as (
          update webhook set active = false, removed_at = $3, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2 and active
        )
        delete from webhook_delivery where clinic_id = $1 and webhook_id = $2 and status = 'queued'
        """,
        clinic_of(webhook_id),
        webhook_id,
        now,
    )


async def rotate(tx: Statements, webhook_id: UUID, *, secret: bytes, old_secret_until: datetime) -> Row | None:
    """Replace the webhook's secret; the old one stays valid until then. Return None for an unknown webhook."""
    return await tx.fetchrow(
        """
        update webhook set secret = $3, old_secret = secret, old_secret_until = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and active
        returning *
        """,
        clinic_of(webhook_id),
        webhook_id,
        secret,
        old_secret_until,
    )


async def deliveries(
    db: Statements, webhook_id: UUID, *, status: DeliveryStatus | None, after: tuple[UUID] | None, limit: int
) -> list[WebhookDelivery]:
    """Return deliveries in the order of events; one more than `limit` if there are more."""
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


async def newest_deliveries(
    db: Statements, webhook_id: UUID, *, status: DeliveryStatus | None, before: UUID | None, limit: int
) -> list[WebhookDelivery]:
    """Return deliveries, latest events first; one more than `limit` if there are more."""
    rows = await db.fetch(
        """
        select * from webhook_delivery
         where clinic_id = $1 and webhook_id = $2 and ($3::text is null or status = $3) and ($4::uuid is null or event_id < $4)
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
          from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) as e (clinic_id, id, type, subject_id, created_at)
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
    """Queue all subscribed events from that one on again, delivered or not, with all attempts. Return how many."""
    done = await tx.execute(
        """
        insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
        select w.clinic_id, mint_id(w.clinic_id), w.id, e.id, e.type, e.subject_id, $4
          from webhook w
          join event_log e on e.clinic_id = $1 and e.id >= $3 and (w.event_types = '{}' or e.type = any(w.event_types))
         where w.clinic_id = $1 and w.id = $2
        on conflict (clinic_id, webhook_id, event_id) do update
           set status = 'queued', attempts = 0, due_at = excluded.due_at, response_status = null, reason = null, delivered_at = null,
               version = webhook_delivery.version + 1, updated_at = now()
        """,
        clinic_of(webhook_id),
        webhook_id,
        first_event_id,
        now,
    )
    return int(done.rsplit(" ", 1)[-1])


async def claim(db: Statements, *, now: datetime, until: datetime, most: int) -> list[Row]:
    """Lease webhooks with due deliveries, across clinics, until `until`; oldest lease first."""
    return await db.fetch(
        """
        with free as (
          select clinic_id, id from webhook w
           where active and disabled_at is null and (leased_until is null or leased_until <= $1)
             and (select true from webhook_delivery d  -- a lookup per webhook, which `exists` does not guarantee
                   where d.clinic_id = w.clinic_id and d.webhook_id = w.id and d.status = 'queued' and d.due_at <= $1
                     and not exists (select from webhook_delivery before
                                      where before.clinic_id = d.clinic_id and before.webhook_id = d.webhook_id and before.subject_id = d.subject_id
                                        and before.event_id < d.event_id and before.status = 'queued')
                   limit 1)
           order by leased_until nulls first
           limit $3
             for no key update skip locked
        )
        update webhook w set leased_until = $2
          from free
         where w.clinic_id = free.clinic_id and w.id = free.id
        returning w.clinic_id, w.id, w.leased_until
        """,
        now,
        until,
        most,
    )


async def give_back(db: Statements, webhook_id: UUID, *, leased_until: datetime, now: datetime) -> None:
    """End the lease, unless another worker has it by now."""
    await db.execute(
        "update webhook set leased_until = $4 where clinic_id = $1 and id = $2 and leased_until = $3",
        clinic_of(webhook_id),
        webhook_id,
        leased_until,
        now,
    )


async def due(db: Statements, webhook_id: UUID, *, now: datetime, most: int) -> list[Row]:
    """Return due deliveries with their events, oldest events first. Only the first queued one of each subject is due, so
    later ones wait behind a failed one. A deleted event has no `id`."""
    return await db.fetch(
        """
        select d.id as delivery_id, d.version, d.attempts,
               e.clinic_id, e.id, e.type, e.subject_id, e.subject_version, e.data, e.traceparent, e.created_at
          from webhook_delivery d
          left join event_log e on e.clinic_id = d.clinic_id and e.id = d.event_id
         where d.clinic_id = $1 and d.webhook_id = $2 and d.status = 'queued' and d.due_at <= $3
           and not exists (select from webhook_delivery before
                            where before.clinic_id = $1 and before.webhook_id = $2 and before.subject_id = d.subject_id
                              and before.event_id < d.event_id and before.status = 'queued')
         order by d.event_id
         limit $4
        """,
        clinic_of(webhook_id),
        webhook_id,
        now,
        most,
    )


async def leased(db: Statements, webhook_id: UUID, *, leased_until: datetime) -> Row | None:
    """Return the URL and the secrets while the lease holds and the webhook is enabled."""
    return await db.fetchrow(
        """
        select url, secret, old_secret, old_secret_until from webhook
         where clinic_id = $1 and id = $2 and leased_until = $3 and active and disabled_at is null
        """,
        clinic_of(webhook_id),
        webhook_id,
        leased_until,
    )


async def succeed(
    db: Statements, delivery_id: UUID, *, version: int, response_status: int | None, now: datetime
) -> None:
    """Record a successful delivery, which ends the webhook's failure. Do nothing if the delivery has changed since that
    version."""
    await db.execute(
        """
        with arrived as (
          update webhook_delivery
             set status = 'delivered', attempts = attempts + 1, delivered_at = $4, response_status = $5, reason = null, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2 and version = $3
          returning webhook_id
        )
        update webhook w set failing_since = null, version = w.version + 1, updated_at = now()
          from arrived
         where w.clinic_id = $1 and w.id = arrived.webhook_id and w.failing_since is not null
        """,
        clinic_of(delivery_id),
        delivery_id,
        version,
        now,
        response_status,
    )


async def fail(
    db: Statements,
    delivery_id: UUID,
    *,
    version: int,
    due_at: datetime | None,
    response_status: int | None,
    reason: str,
    disable_from: datetime,
    now: datetime,
) -> Row | None:
    """Record a failed attempt, with the next one at `due_at`, or none. Do nothing if the delivery has changed since that
    version.

    Disable a webhook that has been failing since `disable_from` or longer. Return the webhook if it changed: when it
    starts to fail, and when it is disabled.
    """
    return await db.fetchrow(
        """
        with failed as (
          update webhook_delivery
             set status = case when $5::timestamptz is null then 'failed' else 'queued' end, due_at = coalesce($5, due_at),
                 attempts = attempts + 1, response_status = $6, reason = $7, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2 and version = $3
          returning webhook_id
        )
        update webhook w
           set failing_since = coalesce(w.failing_since, $4), disabled_at = case when coalesce(w.failing_since, $4) <= $8 then $4 end,
               version = w.version + 1, updated_at = now()
          from failed
         where w.clinic_id = $1 and w.id = failed.webhook_id and w.active and w.disabled_at is null and (w.failing_since is null or w.failing_since <= $8)
        returning w.clinic_id, w.id, w.version, w.failing_since, w.disabled_at
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


async def forget(db: Statements, *, before: datetime) -> int:
    """Delete older deliveries of all clinics, and of queued ones only those without an event. Return how many."""
    done = await db.execute(
        """
        delete from webhook_delivery d
         where created_at < $1
           and (status <> 'queued' or (select true from event_log e where e.clinic_id = d.clinic_id and e.id = d.event_id) is null)
        """,
        before,
    )
    return int(done.rsplit(" ", 1)[-1])
