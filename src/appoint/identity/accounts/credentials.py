"""Set passwords, both for signed-in users and through emailed links."""

from datetime import datetime
from typing import get_args
from uuid import UUID, uuid4

from ... import audit
from ...database.pool import Database, Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from ...kit.signed_tokens import sign, verify
from ...messaging.notifications.model import LINK_TTL, LinkKind
from ...messaging.notifications.service import mail_user, notify_user
from .. import passwords
from . import repository
from .model import StoredUser
from .service import check_password


async def change_password(
    db: Database, actor: Actor, *, current: str, new: str, if_match: str | None, now: datetime
) -> None:
    """Change the caller's password and end their other sessions. Raise `Invalid` if the current password is wrong or
    the new one is weak."""
    user = await check_password(db, actor, current, "#/current", if_match)
    await _set_password(db, actor, user, new, "#/new", keep_session=actor.session_id, now=now)


async def set_password_by_link(
    db: Database, actor: Actor, *, token: str, password: str, secret: str, now: datetime
) -> str:
    """Set a password using an emailed link, which works once, and end all sessions. Return the user's email address.

    Raise the same errors as `user_of_link`, or `Invalid` for a weak password.
    """
    user = await user_of_link(db, token=token, secret=secret, now=now)
    await _set_password(db, actor, user, password, "#/password", now=now)
    return user.email


async def _set_password(
    db: Database,
    actor: Actor,
    user: StoredUser,
    password: str,
    pointer: str,
    *,
    keep_session: UUID | None = None,
    now: datetime,
) -> None:
    if faults := passwords.find_faults(password, pointer, about=(user.email, user.name)):
        raise errors.Invalid(*faults)
    password_hash = await passwords.hash_password(password)
    await db.atomic(_store_password, actor, user=user, password_hash=password_hash, keep_session=keep_session, now=now)


async def _store_password(
    tx: Transaction, actor: Actor, *, user: StoredUser, password_hash: str, keep_session: UUID | None, now: datetime
) -> None:
    """Raise a `link-used` `Conflict` if the password has changed since `user` was read."""
    if not await repository.set_password(tx, user.id, password_hash=password_hash, credentials=user.credentials):
        raise errors.Conflict("link-used")
    await repository.end_sessions(tx, user.id, except_id=keep_session)
    if user.password_hash:  # not for the first password, which users set through the invitation
        await notify_user(tx, kind="password-changed", user_id=user.id, clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user.id])


def link_token(secret: str, kind: LinkKind, user: StoredUser, now: datetime) -> str:
    """Return the last part of an emailed link to choose a password."""
    return sign(secret, kind, [str(user.id), user.credentials, int((now + LINK_TTL[kind]).timestamp())])


async def user_of_link(db: Statements, *, token: str, secret: str, now: datetime) -> StoredUser:
    """Return the user who can choose a password with an emailed link. Raise `NotFound` for a link that Appoint did not
    send, or `Conflict`: `link-used`, `link-expired`."""
    content = next((value for kind in get_args(LinkKind) if (value := verify(secret, kind, token))), None)
    if content is None:
        raise errors.NotFound
    user_id, credentials, expires = content
    user = await repository.find_user(db, UUID(user_id))
    if user is None or user.credentials != credentials:
        raise errors.Conflict("link-used")
    if now.timestamp() >= expires:
        raise errors.Conflict("link-expired")
    return user


async def request_reset(tx: Transaction, actor: Actor, *, email: str, now: datetime) -> None:
    """Email a password-reset link to the user with that address. Runs the same statements for unknown addresses, so
    timing reveals nothing."""
    user_id = await repository.find_id(tx, email)
    await mail_user(tx, kind="password-reset", user_id=user_id or uuid4(), clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
