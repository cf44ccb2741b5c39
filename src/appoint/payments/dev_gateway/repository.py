"""What the development gateway stores: objects, answered requests, and events to deliver."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from ...database.pool import Row, Statements, affected
from .forms import Json
from .model import Delivery


async def save(tx: Statements, content: Json, *, delivery: Delivery) -> None:
    """Save a new or changed object. From now on, `delivery` applies to its events."""
    await tx.execute(
        """
        insert into dev_payment_object (id, kind, content, delivery) values ($1, $2, $3::text::jsonb, $4)
        on conflict (id) do update set content = excluded.content, delivery = excluded.delivery
        """,
        content["id"],
        content["object"],
        msgspec.json.encode(content).decode(),
        delivery,
    )


class GatewayObject(NamedTuple):
    content: Json
    delivery: Delivery


async def lock(tx: Statements, kind: str, id: str) -> GatewayObject | None:
    row = await tx.fetchrow(
        "select content::text, delivery from dev_payment_object where id = $1 and kind = $2 for update", id, kind
    )
    return GatewayObject(_decode(row), row.delivery) if row else None


async def find(tx: Statements, kind: str, id: str) -> Json | None:
    row = await tx.fetchrow("select content::text from dev_payment_object where id = $1 and kind = $2", id, kind)
    return _decode(row) if row else None


async def list_newest(
    tx: Statements, kind: str, *, payment_intent: str | None, since: int, after: str | None, limit: int
) -> list[Json]:
    rows = await tx.fetch(
        """
        select content::text
          from dev_payment_object
         where kind = $1
           and ($2::text is null or content ->> 'payment_intent' = $2)
           and (content ->> 'created')::bigint >= $3
           and ($4::text is null or number < (select number from dev_payment_object where id = $4))
         order by number desc
         limit $5
        """,
        kind,
        payment_intent,
        since,
        after,
        limit,
    )
    return [_decode(row) for row in rows]


async def list_expired_sessions(tx: Statements, *, now: datetime) -> list[str]:
    rows = await tx.fetch(
        """
        select id
          from dev_payment_object
         where kind = 'checkout.session' and content ->> 'status' = 'open'
           and (content ->> 'expires_at')::bigint <= $1
        """,
        int(now.timestamp()),
    )
    return [row.id for row in rows]


def _decode(row: Row) -> Json:
    return msgspec.json.decode(row.content)


async def add_request(tx: Statements, key: str, *, digest: str) -> bool:
    """Add an idempotency key. Return False if it exists. Waits while another request with the same key is under way."""
    return bool(
        affected(
            await tx.execute(
                "insert into dev_payment_request (key, digest) values ($1, $2) on conflict do nothing", key, digest
            )
        )
    )


class PreviousRequest(NamedTuple):
    digest: str
    status: int
    answer: str


async def find_request(tx: Statements, key: str) -> PreviousRequest | None:
    row = await tx.fetchrow(
        "select digest, status, answer::text from dev_payment_request where key = $1 and status is not null", key
    )
    return PreviousRequest(row.digest, row.status, row.answer) if row else None


async def store_answer(tx: Statements, key: str, *, status: int, answer: str) -> None:
    await tx.execute(
        "update dev_payment_request set status = $2, answer = $3::text::jsonb where key = $1", key, status, answer
    )


async def add_deliveries(tx: Statements, events: Sequence[tuple[Json, datetime]]) -> None:
    """Queue events, each with the time at which it is due. The same event may be queued several times."""
    await tx.execute(
        """
        insert into dev_payment_delivery (event, due_at)
        select event::jsonb, due_at from unnest($1::text[], $2::timestamptz[]) as queued (event, due_at)
        """,
        [msgspec.json.encode(event).decode() for event, _ in events],
        [due_at for _, due_at in events],
    )


class DueEvent(NamedTuple):
    id: int
    event: str
    attempts: int


async def list_due(tx: Statements, *, now: datetime, limit: int) -> list[DueEvent]:
    """Return due deliveries, which no one else can take until the transaction ends."""
    rows = await tx.fetch(
        """
        select id, event::text, attempts
          from dev_payment_delivery
         where due_at <= $1
         order by due_at, id
         limit $2
           for update skip locked
        """,
        now,
        limit,
    )
    return [DueEvent(row.id, row.event, row.attempts) for row in rows]


async def finish(tx: Statements, id: int) -> None:
    await tx.execute("update dev_payment_delivery set due_at = null, attempts = attempts + 1 where id = $1", id)


async def postpone(tx: Statements, id: int, *, due_at: datetime | None) -> None:
    """Count a failed attempt. Without `due_at`, it was the last one."""
    await tx.execute("update dev_payment_delivery set due_at = $2, attempts = attempts + 1 where id = $1", id, due_at)


async def delete_old(db: Statements, *, before: datetime) -> None:
    """Delete everything from before the given time."""
    await db.execute("delete from dev_payment_delivery where created_at < $1", before)
    await db.execute("delete from dev_payment_request where created_at < $1", before)
    await db.execute("delete from dev_payment_object where created_at < $1", before)
