"""SQL for users' identities at the OpenID provider."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Statements, to
from ..accounts.model import StoredUser


async def find_user(db: Statements, *, issuer: str, subject_hash: bytes) -> StoredUser | None:
    """Return the user linked to an identity, even if their account is disabled."""
    row = await db.fetchrow(
        """
        select u.*
          from user_identity i
          join app_user u on u.id = i.user_id
         where i.issuer = $1 and i.subject_hash = $2 and u.active
        """,
        issuer,
        subject_hash,
    )
    return to(StoredUser, row) if row else None


async def find_link(db: Statements, user_id: UUID, *, issuer: str) -> datetime | None:
    """Return when the user was linked to an identity at the provider; None if they are not."""
    return await db.fetchval("select created_at from user_identity where user_id = $1 and issuer = $2", user_id, issuer)


async def add(tx: Statements, user_id: UUID, *, issuer: str, subject_hash: bytes, now: datetime) -> bool:
    """Link a user to an identity. Return False if either is already linked."""
    return bool(
        await tx.fetchval(
            """
            insert into user_identity (user_id, issuer, subject_hash, created_at) values ($1, $2, $3, $4)
            on conflict do nothing
            returning true
            """,
            user_id,
            issuer,
            subject_hash,
            now,
        )
    )


async def remove(tx: Statements, user_id: UUID, *, issuer: str) -> bool:
    """Remove a user's link. Return False if there is none."""
    return bool(
        await tx.fetchval(
            "delete from user_identity where user_id = $1 and issuer = $2 returning true", user_id, issuer
        )
    )


async def use_state(db: Statements, state_hash: bytes, *, now: datetime) -> bool:
    """Mark an attempt as used. Return False if it already was."""
    return bool(
        await db.fetchval(
            """
            insert into openid_attempt (state_hash, used_at) values ($1, $2)
            on conflict do nothing
            returning true
            """,
            state_hash,
            now,
        )
    )


async def delete_old_states(db: Statements, *, before: datetime) -> None:
    """Delete the records of used attempts that have expired anyway."""
    await db.execute("delete from openid_attempt where used_at < $1", before)
