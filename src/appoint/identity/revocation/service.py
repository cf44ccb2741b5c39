"""Take access away, and restore it.

A clinic's managers decide about access to their own clinic; the platform's administrators and operators decide about
whole accounts. Everything takes effect with the user's next request.
"""

from datetime import datetime, timedelta
from uuid import UUID

from ... import audit
from ...clinics.clinics import repository as clinics_repository
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from ..accounts import repository as accounts
from ..accounts import staff
from ..accounts.model import User
from ..sessions.model import Session
from . import repository
from .model import ListedAccount

# at one clinic


async def disable_member(tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID, now: datetime) -> User:
    """Disable a user's access to the clinic and end their sessions. Raise `NotFound`, or a `last-manager`
    `Conflict`."""
    await clinics_repository.lock(tx, clinic_id)  # prevents two managers who disable each other from both succeeding
    await staff.require_another_manager(tx, await staff.get(tx, clinic_id, user_id))
    await repository.set_member_disabled(tx, clinic_id, user_id, disabled_at=now)
    await repository.end_member_sessions(tx, user_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return await staff.get(tx, clinic_id, user_id)


async def enable_member(tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID) -> User:
    """Restore a user's access to the clinic. Raise `NotFound`."""
    await clinics_repository.lock(tx, clinic_id)
    await staff.get(tx, clinic_id, user_id)
    await repository.set_member_disabled(tx, clinic_id, user_id, disabled_at=None)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return await staff.get(tx, clinic_id, user_id)


async def list_member_sessions(
    db: Statements, *, clinic_id: int, user_id: UUID, idle: timedelta, now: datetime
) -> list[Session]:
    """Return the active sessions of one of the clinic's users, oldest first. Raise `NotFound`."""
    await staff.get(db, clinic_id, user_id)
    return await repository.list_member_sessions(db, user_id, idle=idle, now=now)


async def sign_out_member(tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID) -> None:
    """End all sessions of one of the clinic's users. Raise `NotFound`."""
    await staff.get(tx, clinic_id, user_id)
    await repository.end_member_sessions(tx, user_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])


# everywhere


async def list_accounts(
    db: Statements, *, email: str | None, administrator: bool | None, after: tuple[UUID] | None, limit: int
) -> list[ListedAccount]:
    """Return up to `limit` of the platform's accounts, oldest first, plus one if there are more."""
    return await repository.list_accounts(db, email=email, administrator=administrator, after=after, limit=limit)


async def get_account(db: Statements, user_id: UUID) -> ListedAccount:
    """Return a user's account. Raise `NotFound`."""
    if account := await repository.find_account(db, user_id):
        return account
    raise errors.NotFound


async def disable_account(tx: Transaction, actor: Actor, *, user_id: UUID, now: datetime) -> ListedAccount:
    """Disable an account everywhere, end its sessions, and invalidate links that were emailed. Raise `NotFound`."""
    await get_account(tx, user_id)
    await repository.set_account_disabled(tx, user_id, disabled_at=now)
    await accounts.end_sessions(tx, user_id, except_id=None)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user_id])
    return await get_account(tx, user_id)


async def enable_account(tx: Transaction, actor: Actor, *, user_id: UUID) -> ListedAccount:
    """Enable a disabled account. Its password is still valid. Raise `NotFound`."""
    await get_account(tx, user_id)
    await repository.set_account_disabled(tx, user_id, disabled_at=None)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user_id])
    return await get_account(tx, user_id)


async def revoke_administrator(tx: Transaction, actor: Actor, *, user_id: UUID) -> ListedAccount:
    """Revoke a user's administrator rights and end their sessions. Their roles at clinics remain. Raise `NotFound`."""
    await get_account(tx, user_id)
    await repository.revoke_administrator(tx, user_id)
    await accounts.end_sessions(tx, user_id, except_id=None)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user_id])
    return await get_account(tx, user_id)


async def sign_out_account(tx: Transaction, actor: Actor, *, user_id: UUID) -> None:
    """End all of a user's sessions. Raise `NotFound`."""
    await get_account(tx, user_id)
    await accounts.end_sessions(tx, user_id, except_id=None)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user_id])
