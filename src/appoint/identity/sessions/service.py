"""Signing in and out."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from ... import audit
from ...database.pool import Database, Row, Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor, Membership
from ...kit.ids import PLATFORM
from .. import passwords
from ..accounts import repository as accounts_repository
from ..accounts import service as accounts
from ..accounts.model import Account, totp_step
from . import repository
from .model import MAX_SESSIONS, Session, hash_of, new_token

SEEN_UPDATE_INTERVAL: Final = timedelta(minutes=1)
"""How often the use of a session is recorded."""
_memberships: Final = msgspec.json.Decoder(tuple[Membership, ...])


class Opened(NamedTuple):
    user: Row
    session: Session
    account: Account
    token: str


async def open_session(
    tx: Transaction, *, user_id: UUID | None, customer_id: UUID | None, lasts: timedelta, now: datetime
) -> tuple[str, Row]:
    """Open a session for a user or a patient that lasts at most `lasts`. Return its token, which is not stored, and its
    row."""
    token = new_token()
    row = await repository.add(
        tx, token_hash=hash_of(token), user_id=user_id, customer_id=customer_id, expires_at=now + lasts, now=now
    )
    await repository.end_oldest(tx, user_id=user_id, customer_id=customer_id, most=MAX_SESSIONS)
    return token, row


async def sign_in(
    db: Database,
    actor: Actor,
    *,
    email: str,
    password: str,
    code: str | None,
    before: str | None,
    secret: str,
    lasts: timedelta,
    now: datetime,
) -> Opened:
    """Sign a user in. `before` is the token of the browser's previous session, which ends.

    Raises `Unauthorized`: `totp-required` if the password is right and the account also requires a code, otherwise
    `wrong-credentials`, without revealing the wrong part in the answer or its timing.
    """
    user = await accounts_repository.find_by_email(db, email)
    matches, new_hash = await passwords.verify(password, user.password_hash if user else None)
    if user is None or not matches:
        raise errors.Unauthorized("wrong-credentials")
    return await db.atomic(
        _sign_in, actor, user=user, new_hash=new_hash, code=code, before=before, secret=secret, lasts=lasts, now=now
    )


async def _sign_in(
    tx: Transaction,
    actor: Actor,
    *,
    user: Row,
    new_hash: str | None,
    code: str | None,
    before: str | None,
    secret: str,
    lasts: timedelta,
    now: datetime,
) -> Opened:
    locked = await accounts_repository.lock(tx, user.id)
    if locked is None or locked.credentials != user.credentials:  # another request has just changed the password
        raise errors.Unauthorized("wrong-credentials")
    step = None
    if locked.totp_confirmed_at:
        if code is None:
            raise errors.Unauthorized("totp-required")
        step = totp_step(secret, locked, code, now)
        if step is None:
            raise errors.Unauthorized("wrong-credentials")
    await accounts_repository.record_sign_in(tx, user.id, password_hash=new_hash, totp_step=step)
    await accounts_repository.join(tx, user.id, now=now)
    if before:
        await repository.end_by_token(tx, token_hash=hash_of(before))
    token, row = await open_session(tx, user_id=user.id, customer_id=None, lasts=lasts, now=now)
    account = await accounts.account(tx, Actor(f"user:{user.id}", user_id=user.id))
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user.id])
    return Opened(user, Session(**dict(row), current=True), account, token)


async def caller(
    db: Statements, *, token: str, idle: timedelta, unattended: bool = False, now: datetime
) -> Actor | None:
    """Return the token's user or patient with their current roles; None if the session has ended or never existed.
    `unattended` requests do not count as use."""
    row = await repository.signed_in(db, token_hash=hash_of(token), idle=idle, now=now)
    if row is None:
        return None
    if row.seen_at <= now - SEEN_UPDATE_INTERVAL and not unattended:
        await repository.touch(db, row.session_id, now=now)
    return Actor(
        f"user:{row.user_id}" if row.user_id else f"patient:{row.customer_id}",
        administrator=row.administrator,
        user_id=row.user_id,
        memberships=_memberships.decode(row.memberships),
        customer_id=row.customer_id,
        session_id=row.session_id,
    )


async def own(db: Statements, actor: Actor, *, idle: timedelta, now: datetime) -> list[Session]:
    """Return the caller's sessions, oldest first; none for callers without an account."""
    rows = await repository.of(db, user_id=actor.user_id, customer_id=actor.customer_id, idle=idle, now=now)
    return [Session(**dict(row), current=row.id == actor.session_id) for row in rows]


async def get(db: Statements, actor: Actor, *, session_id: UUID | None, idle: timedelta, now: datetime) -> Session:
    """Return one of the caller's sessions. Raises `NotFound`."""
    for session in await own(db, actor, idle=idle, now=now):
        if session.id == session_id:
            return session
    raise errors.NotFound


async def end(tx: Transaction, actor: Actor, *, session_id: UUID) -> None:
    """End one of the caller's sessions. Raises `NotFound` for anyone else's."""
    await _end(tx, actor, session_id)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[session_id])


async def sign_out(tx: Transaction, actor: Actor) -> None:
    """End the session that the caller uses. Raises `NotFound` for callers without one."""
    if actor.session_id is None:
        raise errors.NotFound
    await _end(tx, actor, actor.session_id)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])


async def _end(tx: Transaction, actor: Actor, session_id: UUID) -> None:
    if not await repository.end(tx, user_id=actor.user_id, customer_id=actor.customer_id, session_id=session_id):
        raise errors.NotFound


async def end_all(tx: Transaction, actor: Actor) -> None:
    """End all of the caller's sessions, including the current one."""
    await repository.end_all(tx, user_id=actor.user_id, customer_id=actor.customer_id)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
