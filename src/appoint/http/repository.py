"""Stored answers of idempotent requests."""

from datetime import datetime
from typing import Any

from ..database.pool import Row, Statements


async def claim_key(tx: Statements, *, caller: str, key: str, digest: bytes) -> bool:
    """Claim the key for this request. Return False if an earlier request has it; wait for one that is still running."""
    return bool(
        await tx.fetchval(
            """
            insert into request_key (caller, key, digest) values ($1, $2, $3)
            on conflict do nothing
            returning true
            """,
            caller,
            key,
            digest,
        )
    )


async def find_earlier_request(tx: Statements, *, caller: str, key: str) -> Row | None:
    return await tx.fetchrow("select digest, answer::text from request_key where caller = $1 and key = $2", caller, key)


async def store_answer(tx: Statements, *, caller: str, key: str, answer: str) -> None:
    await tx.execute(
        "update request_key set answer = $3::text::jsonb where caller = $1 and key = $2", caller, key, answer
    )


async def delete_old_keys(db: Statements, *, before: datetime) -> dict[str, Any]:
    """Delete keys older than `before`. Return the number deleted for bookings and for other requests."""
    row = await db.fetchrow(
        """
        with others as (
          delete from request_key where created_at < $1 returning 1
        ), bookings as (
          update appointment set idempotency_caller = null, idempotency_key = null, request_digest = null
           where idempotency_key is not null and created_at < $1
          returning 1
        )
        select (select count(*) from bookings) as bookings, (select count(*) from others) as others
        """,
        before,
    )
    return dict(row or {})
