"""SQL for second factors and recovery codes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...database.pool import Statements
from .model import SecondFactors


async def find(db: Statements, user_id: UUID) -> SecondFactors:
    """Return what the account has as a second factor."""
    row = await db.fetchrow(
        """
        select u.totp_confirmed_at is not null as totp,
               (select count(*) from passkey p where p.user_id = u.id) as passkeys,
               (select count(*) from recovery_code c where c.user_id = u.id and c.used_at is null) as recovery_codes
          from app_user u
         where u.id = $1
        """,
        user_id,
    )
    return SecondFactors(*row.values()) if row else SecondFactors()


async def remove_passkeys(tx: Statements, user_id: UUID) -> None:
    await tx.execute("delete from passkey where user_id = $1", user_id)


async def replace_codes(tx: Statements, user_id: UUID, digests: Sequence[bytes]) -> None:
    """Replace the user's recovery codes."""
    await tx.execute("delete from recovery_code where user_id = $1", user_id)
    await tx.execute(
        "insert into recovery_code (user_id, digest) select $1, unnest($2::bytea[])", user_id, list(digests)
    )


async def use_code(tx: Statements, user_id: UUID, digest: bytes, *, now: datetime) -> bool:
    """Mark a recovery code as used. Return False if the code is wrong or has already been used."""
    return bool(
        await tx.fetchval(
            """
            update recovery_code set used_at = $3
             where user_id = $1 and digest = $2 and used_at is null
            returning true
            """,
            user_id,
            digest,
            now,
        )
    )


async def mark_session(tx: Statements, session_id: UUID) -> None:
    """Record that the session's user has just shown their second factor."""
    await tx.execute("update session set second_factor = true where id = $1", session_id)


async def unmark_sessions(tx: Statements, user_id: UUID) -> None:
    """Record that the user's sessions no longer have a second factor."""
    await tx.execute("update session set second_factor = false where user_id = $1 and second_factor", user_id)
