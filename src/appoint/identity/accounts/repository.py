"""SQL for users and memberships."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Statements, to
from ...kit.key_ring import EncryptedField
from .model import AccountMembership, ListedUser, StaffFrame, StoredUser, User


async def list_for_clinic(
    db: Statements, clinic_id: int, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[User]:
    """Return up to `limit` of the clinic's users in the order they joined, plus one if there are more."""
    rows = await db.fetch(
        """
        select m.version, m.created_at, m.updated_at, u.id, m.clinic_id, coalesce(m.name, u.name) as name, u.email,
               m.role, m.doctor_id, m.joined_at, m.disabled_at, has_second_factor(u.id) as second_factor
          from membership m
          join app_user u on u.id = m.user_id
         where m.clinic_id = $1
           and ($2::timestamptz is null or (m.created_at, m.user_id) > ($2, $3))
         order by m.created_at, m.user_id
         limit $4 + 1
        """,
        clinic_id,
        *(after or (None, None)),
        limit,
    )
    return [to(User, row) for row in rows]


async def find(db: Statements, clinic_id: int, user_id: UUID) -> User | None:
    row = await db.fetchrow(
        """
        select m.version, m.created_at, m.updated_at, u.id, m.clinic_id, coalesce(m.name, u.name) as name, u.email,
               m.role, m.doctor_id, m.joined_at, m.disabled_at, has_second_factor(u.id) as second_factor
          from membership m
          join app_user u on u.id = m.user_id
         where m.clinic_id = $1 and m.user_id = $2
        """,
        clinic_id,
        user_id,
    )
    return to(User, row) if row else None


async def count_managers(db: Statements, clinic_id: int) -> int:
    """Return the number of managers who have access."""
    return await db.fetchval(
        "select count(*) from membership where clinic_id = $1 and role = 'manager' and disabled_at is null", clinic_id
    )


async def add_member(
    tx: Statements, clinic_id: int, user_id: UUID, *, name: str, role: str, doctor_id: UUID | None
) -> bool:
    """Add a member. Return False if the user was already one."""
    return bool(
        await tx.fetchval(
            """
            insert into membership (clinic_id, user_id, name, role, doctor_id) values ($1, $2, $3, $4, $5)
            on conflict do nothing
            returning true
            """,
            clinic_id,
            user_id,
            name,
            role,
            doctor_id,
        )
    )


async def change_member(
    tx: Statements, clinic_id: int, user_id: UUID, *, name: str, role: str, doctor_id: UUID | None
) -> None:
    await tx.execute(
        """
        update membership set name = $3, role = $4, doctor_id = $5, version = version + 1, updated_at = now()
         where clinic_id = $1 and user_id = $2
        """,
        clinic_id,
        user_id,
        name,
        role,
        doctor_id,
    )


async def remove_member(tx: Statements, clinic_id: int, user_id: UUID) -> None:
    await tx.execute("delete from membership where clinic_id = $1 and user_id = $2", clinic_id, user_id)


async def list_memberships(db: Statements, user_id: UUID) -> list[AccountMembership]:
    """Return the user's roles at all clinics where they have access."""
    rows = await db.fetch(
        """
        select clinic_id, role, doctor_id from membership
         where user_id = $1 and disabled_at is null
         order by clinic_id
        """,
        user_id,
    )
    return [to(AccountMembership, row) for row in rows]


async def record_joining(tx: Statements, user_id: UUID, *, now: datetime) -> None:
    """Record the user's first sign-in since each invitation."""
    await tx.execute("update membership set joined_at = $2 where user_id = $1 and joined_at is null", user_id, now)


async def add_user(tx: Statements, *, email: str, name: str) -> None:
    """Add a user, unless one already has the address."""
    await tx.execute(
        "insert into app_user (email, name) values (lower($1), $2) on conflict (active_email) do nothing", email, name
    )


async def find_id(db: Statements, email: str) -> UUID | None:
    return await db.fetchval("select id from app_user where active_email = lower($1)", email)


async def find_by_email(db: Statements, email: str) -> StoredUser | None:
    """Return the user with that address, even if their account is disabled."""
    row = await db.fetchrow("select * from app_user where active_email = lower($1)", email)
    return to(StoredUser, row) if row else None


async def find_user(db: Statements, user_id: UUID) -> StoredUser | None:
    """Return a user who can sign in."""
    row = await db.fetchrow("select * from app_user where id = $1 and active and disabled_at is null", user_id)
    return to(StoredUser, row) if row else None


async def lock(tx: Statements, user_id: UUID) -> StoredUser | None:
    """Return a user who can sign in, and lock them until the transaction ends."""
    row = await tx.fetchrow(
        "select * from app_user where id = $1 and active and disabled_at is null for no key update", user_id
    )
    return to(StoredUser, row) if row else None


async def change_user(tx: Statements, user_id: UUID, *, name: str, locale: str | None, region: str | None) -> None:
    await tx.execute(
        """
        update app_user
           set name = $2, locale = $3, region = $4, version = version + 1, updated_at = now()
         where id = $1
        """,
        user_id,
        name,
        locale,
        region,
    )


async def make_administrator(tx: Statements, user_id: UUID) -> None:
    await tx.execute(
        "update app_user set administrator = true, version = version + 1, updated_at = now() where id = $1", user_id
    )


async def set_password(tx: Statements, user_id: UUID, *, password_hash: str, credentials: int) -> bool:
    """Set a password and invalidate emailed links. Return False if the password has changed since `credentials` was
    read."""
    changed = await tx.fetchval(
        """
        update app_user set password_hash = $2, credentials = credentials + 1, version = version + 1, updated_at = now()
         where id = $1 and active and disabled_at is null and credentials = $3
        returning true
        """,
        user_id,
        password_hash,
        credentials,
    )
    return changed is True


async def record_sign_in(tx: Statements, user_id: UUID, *, password_hash: str | None, totp_step: int | None) -> None:
    """Store a new hash of the same password, if there is one, and mark the code's time step as used."""
    await tx.execute(
        """
        update app_user
           set password_hash = coalesce($2, password_hash), totp_step = coalesce($3, totp_step)
         where id = $1
        """,
        user_id,
        password_hash,
        totp_step,
    )


async def begin_totp(tx: Statements, user_id: UUID, *, totp_secret: str) -> None:
    await tx.execute(
        """
        update app_user
           set totp_secret = $2, totp_confirmed_at = null, totp_step = null, version = version + 1, updated_at = now()
         where id = $1
        """,
        user_id,
        tx.keys.encrypt_bytes(totp_secret.encode(), EncryptedField.TOTP_SECRET, user_id),
    )


async def confirm_totp(tx: Statements, user_id: UUID, *, step: int, now: datetime) -> None:
    await tx.execute(
        """
        update app_user
           set totp_confirmed_at = $3, totp_step = $2, version = version + 1, updated_at = now()
         where id = $1
        """,
        user_id,
        step,
        now,
    )


async def remove_totp(tx: Statements, user_id: UUID) -> None:
    await tx.execute(
        """
        update app_user
           set totp_secret = null, totp_confirmed_at = null, totp_step = null, version = version + 1, updated_at = now()
         where id = $1
        """,
        user_id,
    )


async def end_sessions(tx: Statements, user_id: UUID, *, except_id: UUID | None) -> None:
    """End the user's sessions, except the given one."""
    await tx.execute("delete from session where user_id = $1 and id is distinct from $2", user_id, except_id)


async def list_users(db: Statements, *, clinic_id: int | None, limit: int) -> list[ListedUser]:
    """Return all users, or a clinic's users, with their roles."""
    rows = await db.fetch(
        """
        select u.email, u.name, u.administrator, u.password_hash is not null as has_password,
               u.totp_confirmed_at is not null as totp, u.disabled_at is not null as disabled,
               (select array_agg(m.clinic_id || ' ' || m.role order by m.clinic_id)
                  from membership m
                 where m.user_id = u.id and m.disabled_at is null) as memberships
          from app_user u
         where u.active
           and ($1::integer is null or exists (select from membership m where m.clinic_id = $1 and m.user_id = u.id))
         order by u.email
         limit $2
        """,
        clinic_id,
        limit,
    )
    return [ListedUser(*row.values()) for row in rows]


async def read_frame(db: Statements, *, clinic_id: int | None, user_id: UUID | None) -> StaffFrame:
    """Return the clinic and the signed-in user's name, if they exist."""
    row = await db.fetchrow(
        """
        select c.id, c.name, c.slug, c.time_zone, c.currency, c.locale, u.name as user_name,
               c.active and not exists (select from clinic_setup_step s
                                         where s.clinic_id = c.id and s.step = 'hidden') as in_setup
          from (select) one left join clinic c on c.id = $1 left join app_user u on u.id = $2
        """,
        clinic_id,
        user_id,
    )
    assert row, "one row in any case"
    return StaffFrame(*row.values())
