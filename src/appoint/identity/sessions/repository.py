"""SQL for sessions. The table contains only digests of tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from ...database.pool import Statements, affected, to
from ...kit.actors import Membership
from .model import Session, SessionOwner

_memberships: Final = msgspec.json.Decoder(tuple[Membership, ...])


async def find_owner(db: Statements, *, token_hash: bytes, idle: timedelta, now: datetime) -> SessionOwner | None:
    """Return the session's owner with their roles, unless the session has ended."""
    row = await db.fetchrow(
        """
        select session_id, user_id, customer_id, administrator, seen_at, proven_at, address, second_factor, memberships
          from find_session_owner($1, $2, $3)
        """,
        token_hash,
        now,
        idle,
    )
    if row is None:
        return None
    return SessionOwner(
        row.session_id,
        row.user_id,
        row.customer_id,
        row.administrator,
        row.seen_at,
        row.proven_at,
        row.address,
        row.second_factor,
        _memberships.decode(row.memberships),
    )


async def record_use(db: Statements, session_id: UUID, *, address: str | None, now: datetime) -> None:
    await db.execute(
        "update session set seen_at = greatest(seen_at, $2), address = $3 where id = $1", session_id, now, address
    )


async def record_proof(tx: Statements, session_id: UUID, *, second_factor: bool = False, now: datetime) -> None:
    """Record that the session's owner has entered a credential, and whether it was their second factor."""
    await tx.execute(
        "update session set proven_at = $2, second_factor = second_factor or $3 where id = $1",
        session_id,
        now,
        second_factor,
    )


async def add(
    tx: Statements,
    *,
    token_hash: bytes,
    user_id: UUID | None,
    customer_id: UUID | None,
    device: str | None = None,
    address: str | None = None,
    proven_at: datetime | None = None,
    second_factor: bool = False,
    expires_at: datetime,
    now: datetime,
) -> Session:
    row = await tx.fetchrow(
        """
        insert into session (token_hash, user_id, customer_id, created_at, seen_at, expires_at, device, address,
                             proven_at, second_factor)
        values ($1, $2, $3, $5, $5, $4, $6, $7, $8, $9)
        returning id, created_at, seen_at, expires_at, device, address
        """,
        token_hash,
        user_id,
        customer_id,
        expires_at,
        now,
        device,
        address,
        proven_at,
        second_factor,
    )
    assert row
    return to(Session, row)


async def end_oldest(tx: Statements, *, user_id: UUID | None, customer_id: UUID | None, limit: int) -> None:
    """End the oldest sessions beyond the limit."""
    await tx.execute(
        """
        delete from session where id in
          (select id from session where user_id = $1 or customer_id = $2 order by created_at desc, id desc offset $3)
        """,
        user_id,
        customer_id,
        limit,
    )


async def list_active(
    db: Statements, *, user_id: UUID | None, customer_id: UUID | None, idle: timedelta, now: datetime
) -> list[Session]:
    """Return a user's or patient's sessions that have not ended, oldest first."""
    rows = await db.fetch(
        """
        select id, created_at, seen_at, expires_at, device, address from session
         where (user_id = $1 or customer_id = $2)
           and expires_at > $4
           and seen_at > $4 - $3::interval
         order by created_at, id
        """,
        user_id,
        customer_id,
        idle,
        now,
    )
    return [to(Session, row) for row in rows]


async def end(tx: Statements, *, user_id: UUID | None, customer_id: UUID | None, session_id: UUID) -> bool:
    """End a session. Return False if it does not exist or belongs to someone else."""
    return bool(
        await tx.fetchval(
            "delete from session where id = $1 and (user_id = $2 or customer_id = $3) returning true",
            session_id,
            user_id,
            customer_id,
        )
    )


async def end_by_token(tx: Statements, *, token_hash: bytes) -> None:
    await tx.execute("delete from session where token_hash = $1", token_hash)


async def end_all(tx: Statements, *, user_id: UUID | None, customer_id: UUID | None) -> int:
    """End all of a user's or patient's sessions. Return how many there were."""
    tag = await tx.execute("delete from session where user_id = $1 or customer_id = $2", user_id, customer_id)
    return affected(tag)


async def delete_of_customers(tx: Statements, customer_ids: Sequence[UUID]) -> None:
    """Delete the customers' sessions."""
    await tx.execute("delete from session where customer_id = any($1)", customer_ids)


async def delete_ended(db: Statements, *, idle: timedelta, now: datetime) -> None:
    """Delete sessions that have ended."""
    await db.execute("delete from session where expires_at <= $2 or seen_at <= $2 - $1::interval", idle, now)
