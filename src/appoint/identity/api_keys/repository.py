"""SQL for API keys."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Statements, to
from ...kit.ids import clinic_of, new_id
from .model import ApiKey, ApiKeyContent, StoredKey


async def find(db: Statements, key_id: UUID) -> ApiKey | None:
    row = await db.fetchrow("select * from api_key where clinic_id = $1 and id = $2", clinic_of(key_id), key_id)
    return to(ApiKey, row) if row else None


async def lock(tx: Statements, key_id: UUID) -> ApiKey | None:
    """Return the key, and lock it until the transaction ends."""
    row = await tx.fetchrow(
        "select * from api_key where clinic_id = $1 and id = $2 for no key update", clinic_of(key_id), key_id
    )
    return to(ApiKey, row) if row else None


async def list_for_clinic(
    db: Statements, clinic_id: int, *, active: bool, after: tuple[UUID] | None, limit: int
) -> list[ApiKey]:
    """Return up to `limit` of the clinic's keys, oldest first, plus one if there are more."""
    rows = await db.fetch(
        "select * from api_key where clinic_id = $1 and id > $2 and active = $3 order by id limit $4 + 1",
        clinic_id,
        after[0] if after else UUID(int=0),
        active,
        limit,
    )
    return [to(ApiKey, row) for row in rows]


async def count(tx: Statements, clinic_id: int) -> int:
    """Return the number of active keys."""
    return await tx.fetchval("select count(*) from api_key where clinic_id = $1 and active", clinic_id)


async def add(tx: Statements, clinic_id: int, content: ApiKeyContent, *, secret_hash: bytes) -> ApiKey:
    row = await tx.fetchrow(
        """
        insert into api_key (clinic_id, id, name, scopes, expires_at, requests_per_minute, secret_hash, networks)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        returning *
        """,
        clinic_id,
        new_id(clinic_id),
        content.name,
        content.scopes,
        content.expires_at,
        content.requests_per_minute,
        secret_hash,
        content.networks,
    )
    assert row
    return to(ApiKey, row)


async def change(tx: Statements, key_id: UUID, content: ApiKeyContent) -> ApiKey:
    row = await tx.fetchrow(
        """
        update api_key
           set name = $3, scopes = $4, expires_at = $5, requests_per_minute = $6, networks = $7,
               version = version + 1,
               updated_at = now()
         where clinic_id = $1 and id = $2
        returning *
        """,
        clinic_of(key_id),
        key_id,
        content.name,
        content.scopes,
        content.expires_at,
        content.requests_per_minute,
        content.networks,
    )
    assert row
    return to(ApiKey, row)


async def remove(tx: Statements, key_id: UUID, *, now: datetime) -> None:
    await tx.execute(
        """
        update api_key set active = false, removed_at = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and active
        """,
        clinic_of(key_id),
        key_id,
        now,
    )


async def rotate(
    tx: Statements, key_id: UUID, *, secret_hash: bytes, old_secret_until: datetime | None
) -> ApiKey | None:
    """Replace the key's secret. The previous one works until `old_secret_until`, or not at all if that is None. Return
    None for an unknown or revoked key."""
    row = await tx.fetchrow(
        """
        update api_key
           set secret_hash = $3, old_secret_hash = case when $4::timestamptz is not null then secret_hash end,
               old_secret_until = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and active
        returning *
        """,
        clinic_of(key_id),
        key_id,
        secret_hash,
        old_secret_until,
    )
    return to(ApiKey, row) if row else None


async def find_presented(db: Statements, key_id: UUID) -> StoredKey | None:
    """Return a key from a request; None if it is unknown or revoked, or if its clinic is inactive.

    Takes one round trip. Before the caller is identified, no transaction can name the clinic for row-level security, so
    the database function bypasses row-level security for this one key.
    """
    row = await db.fetchrow("select * from find_presented_key($1)", key_id)
    return to(StoredKey, row) if row else None


async def record_use(db: Statements, key_id: UUID, *, before: datetime, now: datetime) -> None:
    """Record the key's use, unless a use after `before` has already been recorded."""
    await db.execute(
        """
        update api_key
           set last_used_at = $4
         where clinic_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $3)
        """,
        clinic_of(key_id),
        key_id,
        before,
        now,
    )
