"""SQL for passkeys and used challenges."""

from datetime import UTC, datetime
from uuid import UUID

from ...database.pool import Statements, to
from .model import Passkey, StoredPasskey


async def list_for_user(db: Statements, user_id: UUID) -> list[Passkey]:
    """Return the user's passkeys, oldest first."""
    rows = await db.fetch(
        """
        select id, version, created_at, updated_at, name, synced, last_used_at from passkey
         where user_id = $1
         order by id
        """,
        user_id,
    )
    return [to(Passkey, row) for row in rows]


async def find(db: Statements, user_id: UUID, passkey_id: UUID) -> Passkey | None:
    row = await db.fetchrow(
        """
        select id, version, created_at, updated_at, name, synced, last_used_at from passkey
         where user_id = $1 and id = $2
        """,
        user_id,
        passkey_id,
    )
    return to(Passkey, row) if row else None


async def list_credential_ids(db: Statements, user_id: UUID) -> list[bytes]:
    return [
        row.credential_id for row in await db.fetch("select credential_id from passkey where user_id = $1", user_id)
    ]


async def find_by_credential(db: Statements, credential_id: bytes) -> StoredPasskey | None:
    row = await db.fetchrow(
        "select id, user_id, credential_id, public_key, sign_count from passkey where credential_id = $1", credential_id
    )
    return to(StoredPasskey, row) if row else None


async def add(
    tx: Statements,
    *,
    user_id: UUID,
    name: str,
    credential_id: bytes,
    public_key: bytes,
    sign_count: int,
    synced: bool,
    now: datetime,
) -> Passkey | None:
    """Add a passkey. Return None if its credential is already registered."""
    row = await tx.fetchrow(
        """
        insert into passkey (user_id, name, credential_id, public_key, sign_count, synced, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7)
        on conflict (credential_id) do nothing
        returning id, version, created_at, updated_at, name, synced, last_used_at
        """,
        user_id,
        name,
        credential_id,
        public_key,
        sign_count,
        synced,
        now,
    )
    return to(Passkey, row) if row else None


async def rename(tx: Statements, user_id: UUID, passkey_id: UUID, *, name: str) -> None:
    await tx.execute(
        """
        update passkey set name = $3, version = version + 1, updated_at = now()
         where user_id = $1 and id = $2 and name <> $3
        """,
        user_id,
        passkey_id,
        name,
    )


async def remove(tx: Statements, user_id: UUID, passkey_id: UUID) -> None:
    await tx.execute("delete from passkey where user_id = $1 and id = $2", user_id, passkey_id)


async def record_use(tx: Statements, passkey_id: UUID, *, sign_count: int, synced: bool, now: datetime) -> bool:
    """Record that a passkey was used. Return False if its counter has not increased, which means that someone has made
    a copy of the passkey. Authenticators without a counter always report 0."""
    return bool(
        await tx.fetchval(
            """
            update passkey set sign_count = $2, synced = $3, last_used_at = $4
             where id = $1 and (sign_count < $2 or sign_count = 0 and $2 = 0)
            returning true
            """,
            passkey_id,
            sign_count,
            synced,
            now,
        )
    )


async def claim_challenge(tx: Statements, digest: bytes, *, expires_at: int) -> bool:
    """Mark a challenge as used. Return False if it already was."""
    return bool(
        await tx.fetchval(
            """
            insert into used_challenge (digest, expires_at) values ($1, $2)
            on conflict (digest) do nothing
            returning true
            """,
            digest,
            datetime.fromtimestamp(expires_at, UTC),
        )
    )


async def delete_expired_challenges(db: Statements, *, now: datetime) -> None:
    """Delete used challenges that have expired, because an expired challenge is invalid anyway."""
    await db.execute("delete from used_challenge where expires_at <= $1", now)
