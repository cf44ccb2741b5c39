"""SQL for taking access away."""

from datetime import datetime, timedelta
from uuid import UUID

from ...database.pool import Statements, to
from ..sessions.model import Session
from .model import ListedAccount


async def list_accounts(
    db: Statements, *, email: str | None, administrator: bool | None, after: tuple[UUID] | None, limit: int
) -> list[ListedAccount]:
    """Return up to `limit` of the platform's accounts, oldest first, plus one if there are more."""
    rows = await db.fetch(
        """
        select u.id, u.version, u.created_at, u.updated_at, u.email, u.name, u.administrator, u.disabled_at,
               u.totp_confirmed_at is not null as totp,
               array(select m.clinic_id from membership m where m.user_id = u.id order by m.clinic_id) as clinic_ids
          from app_user u
         where u.active and u.id > $1
           and ($2::text is null or u.email = lower($2))
           and ($3::boolean is null or u.administrator = $3)
         order by u.id
         limit $4 + 1
        """,
        after[0] if after else UUID(int=0),
        email,
        administrator,
        limit,
    )
    return [to(ListedAccount, row) for row in rows]


async def find_account(db: Statements, user_id: UUID) -> ListedAccount | None:
    row = await db.fetchrow(
        """
        select u.id, u.version, u.created_at, u.updated_at, u.email, u.name, u.administrator, u.disabled_at,
               u.totp_confirmed_at is not null as totp,
               array(select m.clinic_id from membership m where m.user_id = u.id order by m.clinic_id) as clinic_ids
          from app_user u
         where u.id = $1 and u.active
        """,
        user_id,
    )
    return to(ListedAccount, row) if row else None


async def set_account_disabled(tx: Statements, user_id: UUID, *, disabled_at: datetime | None) -> None:
    """Disable an account, or enable it if `disabled_at` is None. Disabling it again does not change the time. Links
    that were emailed earlier become invalid."""
    await tx.execute(
        """
        update app_user
           set disabled_at = $2, credentials = credentials + 1, version = version + 1, updated_at = now()
         where id = $1 and active and (disabled_at is null) <> ($2::timestamptz is null)
        """,
        user_id,
        disabled_at,
    )


async def revoke_administrator(tx: Statements, user_id: UUID) -> None:
    await tx.execute(
        """
        update app_user set administrator = false, version = version + 1, updated_at = now()
         where id = $1 and administrator
        """,
        user_id,
    )


async def set_member_disabled(tx: Statements, clinic_id: int, user_id: UUID, *, disabled_at: datetime | None) -> None:
    """Disable a user's access to the clinic, or enable it if `disabled_at` is None. Disabling it again does not change
    the time."""
    await tx.execute(
        """
        update membership set disabled_at = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and user_id = $2 and (disabled_at is null) <> ($3::timestamptz is null)
        """,
        clinic_id,
        user_id,
        disabled_at,
    )


async def end_member_sessions(tx: Statements, user_id: UUID) -> None:
    """End the sessions of a user who works at the transaction's clinic."""
    await tx.execute("select end_member_sessions($1)", user_id)


async def list_member_sessions(db: Statements, user_id: UUID, *, idle: timedelta, now: datetime) -> list[Session]:
    """Return the active sessions of a user who works at the transaction's clinic, oldest first."""
    rows = await db.fetch(
        """
        select id, created_at, seen_at, expires_at, device, address from member_sessions($1)
         where expires_at > $3 and seen_at > $3 - $2::interval
         order by created_at, id
        """,
        user_id,
        idle,
        now,
    )
    return [to(Session, row) for row in rows]
