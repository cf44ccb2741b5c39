"""SQL for administrators' tokens. The table contains only digests of their secrets."""

from datetime import datetime, timedelta
from uuid import UUID

from ...database.pool import Statements, to
from .model import AdminToken, StoredToken


async def count_active(tx: Statements, *, now: datetime) -> int:
    return await tx.fetchval("select count(*) from admin_token where revoked_at is null and expires_at > $1", now)


async def lock_all(tx: Statements) -> None:
    """Let only one transaction at a time add a token."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended('admin_token', 0))")


async def add(tx: Statements, *, name: str, secret_hash: bytes, lifetime: timedelta, now: datetime) -> AdminToken:
    row = await tx.fetchrow(
        """
        insert into admin_token (name, secret_hash, created_at, expires_at)
        values ($1, $2, $3, $3::timestamptz + $4::interval)
        returning id, created_at, name, expires_at, last_used_at, revoked_at
        """,
        name,
        secret_hash,
        now,
        lifetime,
    )
    assert row
    return to(AdminToken, row)


async def find(db: Statements, token_id: UUID) -> AdminToken | None:
    row = await db.fetchrow(
        "select id, created_at, name, expires_at, last_used_at, revoked_at from admin_token where id = $1", token_id
    )
    return to(AdminToken, row) if row else None


async def list_tokens(
    db: Statements, *, active: bool, after: tuple[UUID] | None, limit: int, now: datetime
) -> list[AdminToken]:
    """Return up to `limit` of the tokens, oldest first, plus one if there are more."""
    rows = await db.fetch(
        """
        select id, created_at, name, expires_at, last_used_at, revoked_at from admin_token
         where id > $1 and (revoked_at is null and expires_at > $4) = $2
         order by id
         limit $3 + 1
        """,
        after[0] if after else UUID(int=0),
        active,
        limit,
        now,
    )
    return [to(AdminToken, row) for row in rows]


async def revoke(tx: Statements, token_id: UUID, *, now: datetime) -> bool:
    """Revoke a token. Return False if it does not exist. Revoking it again does not change the time."""
    return bool(
        await tx.fetchval(
            "update admin_token set revoked_at = coalesce(revoked_at, $2) where id = $1 returning true", token_id, now
        )
    )


async def find_valid(db: Statements, token_id: UUID, *, now: datetime) -> StoredToken | None:
    """Return a token from a request, unless it has expired or been revoked."""
    row = await db.fetchrow(
        """
        select id, secret_hash, expires_at, last_used_at from admin_token
         where id = $1 and revoked_at is null and expires_at > $2
        """,
        token_id,
        now,
    )
    return StoredToken(*row.values()) if row else None


async def record_use(db: Statements, token_id: UUID, *, now: datetime) -> None:
    await db.execute("update admin_token set last_used_at = greatest(last_used_at, $2) where id = $1", token_id, now)
