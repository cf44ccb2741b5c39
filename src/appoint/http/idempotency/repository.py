"""Stored results of idempotent requests."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Row, Statements, affected


async def claim_key(tx: Statements, *, caller: str, key: str, digest: bytes, expiry: datetime) -> bool:
    """Claim the key for this request. Return False if another request has claimed it since `expiry`; if that request
    is still running, wait for it.
    """
    return bool(
        await tx.fetchval(
            """
            insert into request_key (caller, key, digest) values ($1, $2, $3)
            on conflict (caller, key) do update
               set digest = excluded.digest, answer = excluded.answer, created_at = excluded.created_at
             where request_key.created_at <= $4
            returning true
            """,
            caller,
            key,
            digest,
            expiry,
        )
    )


async def find_earlier_request(tx: Statements, *, caller: str, key: str) -> Row | None:
    return await tx.fetchrow("select digest, answer::text from request_key where caller = $1 and key = $2", caller, key)


async def store_answer(tx: Statements, *, caller: str, key: str, answer: str) -> None:
    await tx.execute(
        "update request_key set answer = $3::text::jsonb where caller = $1 and key = $2", caller, key, answer
    )


async def delete_old_keys(db: Statements, *, before: datetime) -> int:
    """Delete keys older than `before`, except for bookings' keys. Return how many were deleted."""
    return affected(await db.execute("delete from request_key where created_at < $1", before))


async def delete_keys_of_customer(tx: Statements, customer_id: UUID) -> int:
    """Delete the keys of the requests that created the customer. Return how many were deleted."""
    return affected(await tx.execute("delete from request_key where answer = to_jsonb($1::uuid::text)", customer_id))
