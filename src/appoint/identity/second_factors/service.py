"""Record that users set up or remove second factors, and create and use recovery codes."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from ...messaging.notifications.service import notify_user
from ..accounts import repository as accounts
from ..accounts.model import StoredUser
from . import repository
from .model import RecoveryCodes, SecondFactors, hash_code, new_codes


async def find(db: Statements, user_id: UUID) -> SecondFactors:
    """Return what the account has as a second factor."""
    return await repository.find(db, user_id)


async def has_any(db: Statements, user: StoredUser) -> bool:
    """Return whether the account has a second factor."""
    return (await repository.find(db, user.id)).is_set_up


async def record_set_up(
    tx: Transaction, actor: Actor, *, user_id: UUID, is_first: bool, now: datetime
) -> list[str] | None:
    """Record that the caller has set up a second factor. If it is the account's first, return recovery codes and end
    all other sessions, because they began without a second factor."""
    codes = None
    if is_first:
        await accounts.end_sessions(tx, user_id, except_id=actor.session_id)
        await notify_user(tx, kind="two-step-on", user_id=user_id, clinic_id=PLATFORM, now=now)
        codes = await _replace_codes(tx, user_id)
    if actor.session_id:
        await repository.mark_session(tx, actor.session_id)
    return codes


async def record_removal(tx: Transaction, *, user_id: UUID, now: datetime) -> SecondFactors:
    """Record that a second factor was removed. Return the remaining ones. If it was the last, recovery codes become
    invalid, and the user's sessions no longer count as having a second factor."""
    remaining = await repository.find(tx, user_id)
    if not remaining.is_set_up:
        await repository.replace_codes(tx, user_id, [])
        await repository.unmark_sessions(tx, user_id)
        await notify_user(tx, kind="two-step-off", user_id=user_id, clinic_id=PLATFORM, now=now)
    return remaining


async def remove_all(tx: Transaction, *, user_id: UUID, now: datetime) -> None:
    """Remove all of a user's second factors, including recovery codes."""
    before = await repository.find(tx, user_id)
    await accounts.remove_totp(tx, user_id)
    await repository.remove_passkeys(tx, user_id)
    if before.is_set_up:
        await record_removal(tx, user_id=user_id, now=now)


async def create_codes(tx: Transaction, actor: Actor, *, now: datetime) -> RecoveryCodes:
    """Replace the caller's recovery codes. Raise `Forbidden` for callers who are not users, or a `no-second-factor`
    `Conflict`."""
    user = await accounts.lock(tx, actor.user_id) if actor.user_id else None
    if user is None:
        raise errors.Forbidden
    if not await has_any(tx, user):
        raise errors.Conflict("no-second-factor")
    codes = await _replace_codes(tx, user.id)
    await notify_user(tx, kind="recovery-codes-created", user_id=user.id, clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user.id])
    return RecoveryCodes(codes)


async def _replace_codes(tx: Transaction, user_id: UUID) -> list[str]:
    codes = new_codes()
    await repository.replace_codes(tx, user_id, [hash_code(user_id, code) for code in codes])
    return codes


async def use_code(tx: Transaction, *, user_id: UUID, code: str, now: datetime) -> bool:
    """Use up a recovery code, and notify its user. Return False for a code that is wrong or has already been used."""
    if not await repository.use_code(tx, user_id, hash_code(user_id, code), now=now):
        return False
    await notify_user(tx, kind="recovery-code-used", user_id=user_id, clinic_id=PLATFORM, now=now)
    return True
