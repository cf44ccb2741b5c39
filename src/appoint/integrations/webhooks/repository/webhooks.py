"""SQL for webhooks."""

from datetime import datetime
from uuid import UUID

from ....database.pool import Row, Statements, to
from ....kit.ids import clinic_of, new_id
from ....kit.key_ring import EncryptedField
from ..model import Endpoint, Webhook, WebhookContent


async def find(db: Statements, webhook_id: UUID) -> Webhook | None:
    row = await db.fetchrow("select * from webhook where clinic_id = $1 and id = $2", clinic_of(webhook_id), webhook_id)
    return to(Webhook, row) if row else None


async def find_endpoint(db: Statements, webhook_id: UUID) -> Endpoint | None:
    """Return the webhook's URL and secrets, whether or not it is active."""
    row = await db.fetchrow(
        "select url, secret, old_secret, old_secret_until from webhook where clinic_id = $1 and id = $2",
        clinic_of(webhook_id),
        webhook_id,
    )
    return to_endpoint(db, webhook_id, row) if row else None


def to_endpoint(db: Statements, webhook_id: UUID, row: Row) -> Endpoint:
    """Convert a row with an address and encrypted secrets. Raise `UnreadableError` if they cannot be decrypted."""
    secret = db.keys.decrypt_bytes(row.secret, EncryptedField.WEBHOOK_SECRET, webhook_id)
    old_secret = row.old_secret and db.keys.decrypt_bytes(row.old_secret, EncryptedField.WEBHOOK_SECRET, webhook_id)
    return Endpoint(row.url, secret, old_secret, row.old_secret_until)


async def lock(tx: Statements, webhook_id: UUID) -> Webhook | None:
    """Return the webhook, and lock it until the transaction ends."""
    row = await tx.fetchrow(
        "select * from webhook where clinic_id = $1 and id = $2 for no key update", clinic_of(webhook_id), webhook_id
    )
    return to(Webhook, row) if row else None


async def list_for_clinic(db: Statements, clinic_id: int, *, after: tuple[UUID] | None, limit: int) -> list[Webhook]:
    """Return up to `limit` of the clinic's active webhooks, oldest first, plus one if there are more."""
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


async def add(tx: Statements, clinic_id: int, content: WebhookContent, *, secret: bytes) -> Webhook:
    webhook_id = new_id(clinic_id)
    row = await tx.fetchrow(
        """
        insert into webhook (clinic_id, id, url, description, event_types, secret)
        values ($1, $2, $3, $4, $5, $6)
        returning *
        """,
        clinic_id,
        webhook_id,
        content.url,
        content.description,
        content.event_types,
        tx.keys.encrypt_bytes(secret, EncryptedField.WEBHOOK_SECRET, webhook_id),
    )
    assert row
    return to(Webhook, row)


async def change(
    tx: Statements,
    webhook_id: UUID,
    content: WebhookContent,
    *,
    disabled_at: datetime | None,
    failing_since: datetime | None,
) -> Webhook:
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
    return to(Webhook, row)


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


async def rotate_secret(
    tx: Statements, webhook_id: UUID, *, secret: bytes, old_secret_until: datetime
) -> Webhook | None:
    """Replace the webhook's secret. The old one stays valid until `old_secret_until`. Return None for an unknown or
    removed webhook."""
    row = await tx.fetchrow(
        """
        update webhook
           set secret = $3, old_secret = secret, old_secret_until = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and active
        returning *
        """,
        clinic_of(webhook_id),
        webhook_id,
        tx.keys.encrypt_bytes(secret, EncryptedField.WEBHOOK_SECRET, webhook_id),
        old_secret_until,
    )
    return to(Webhook, row) if row else None
