"""Sign in with a password, sign out, and identify callers by their sessions."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from ... import audit
from ...database.pool import Database, Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from .. import passwords
from ..accounts import repository as accounts_repository
from ..accounts import service as accounts
from ..accounts.model import Account, StoredUser
from ..passkeys.model import PasskeyRefused, RelyingParty
from . import factors, repository
from .factors import FactorProof
from .model import MAX_SESSIONS, Session, device_of, hash_token, new_token

SEEN_UPDATE_INTERVAL: Final = timedelta(minutes=1)
"""How often a session's use is recorded."""


class NewSession(NamedTuple):
    token: str
    """Not stored anywhere."""
    session: Session


class SignIn(NamedTuple):
    """A user's new session."""

    session: Session
    account: Account
    token: str


async def open_session(
    tx: Transaction,
    actor: Actor,
    *,
    user_id: UUID | None,
    customer_id: UUID | None,
    lifetime: timedelta,
    proven_at: datetime | None = None,
    second_factor: bool = False,
    now: datetime,
) -> NewSession:
    """Open a session for a user or a patient, with the device and network address that the actor signs in from. It
    lasts for at most `lifetime`. `proven_at` is when its owner last entered a credential, if not just now, and
    `second_factor` says whether they also showed a second factor."""
    token = new_token()
    session = await repository.add(
        tx,
        token_hash=hash_token(token),
        user_id=user_id,
        customer_id=customer_id,
        device=device_of(actor.user_agent),
        address=actor.address,
        proven_at=proven_at,
        second_factor=second_factor,
        expires_at=now + lifetime,
        now=now,
    )
    await repository.end_oldest(tx, user_id=user_id, customer_id=customer_id, limit=MAX_SESSIONS)
    return NewSession(token, msgspec.structs.replace(session, current=True))


async def sign_in(
    db: Database,
    actor: Actor,
    *,
    email: str,
    password: str,
    factor: FactorProof,
    previous_token: str | None,
    party: RelyingParty,
    lifetime: timedelta,
    refusals: audit.Refusals,
    now: datetime,
) -> SignIn:
    """Sign a user in, and end the browser's previous session, which `previous_token` identifies.

    Raise `Unauthorized`: `totp-required` or `passkey-required` if the password is right and the account also requires a
    second factor, otherwise `wrong-credentials` or `passkey-refused`. Neither the response nor its timing reveals which
    part was wrong.
    """
    user = await accounts_repository.find_by_email(db, email)
    can_sign_in = user is not None and user.disabled_at is None
    matches, new_hash = await passwords.verify(password, user.password_hash if user and can_sign_in else None)
    if user is None or not matches:
        outcome = "unknown-account" if user is None else "wrong-credentials" if can_sign_in else "disabled-account"
        await _record_failure(db, actor, user, refusals, email=email, outcome=outcome)
        raise errors.Unauthorized("wrong-credentials")
    try:
        return await db.atomic(
            _sign_in,
            actor,
            user=user,
            new_hash=new_hash,
            factor=factor,
            previous_token=previous_token,
            party=party,
            lifetime=lifetime,
            now=now,
        )
    except errors.Unauthorized as refusal:
        outcome = refusal.outcome if isinstance(refusal, PasskeyRefused) else refusal.type
        await _record_failure(db, actor, user, refusals, email=email, outcome=outcome)
        raise


async def _record_failure(
    db: Database, actor: Actor, user: StoredUser | None, refusals: audit.Refusals, *, email: str, outcome: str
) -> None:
    """Record a failed sign-in at the user's clinics. Runs the same statements for unknown addresses."""
    memberships = await accounts_repository.list_memberships(db, user.id if user else UUID(int=0))
    await refusals.record(
        db,
        actor,
        "signInUnfinished" if outcome in factors.REQUIRED else "signInFailed",
        outcome=outcome,
        clinic_ids=[membership.clinic_id for membership in memberships],
        subjects=[user.id] if user else [],
        who=f"account {email.lower()}",
    )


async def _sign_in(
    tx: Transaction,
    actor: Actor,
    *,
    user: StoredUser,
    new_hash: str | None,
    factor: FactorProof,
    previous_token: str | None,
    party: RelyingParty,
    lifetime: timedelta,
    now: datetime,
) -> SignIn:
    locked = await accounts_repository.lock(tx, user.id)
    if locked is None or locked.credentials != user.credentials:  # another request has just changed the password
        raise errors.Unauthorized("wrong-credentials")
    factor_use = await factors.check(tx, locked, factor, party=party, now=now)
    step = factor_use.totp_step if factor_use else None
    await accounts_repository.record_sign_in(tx, user.id, password_hash=new_hash, totp_step=step)
    return await open_user_session(
        tx,
        actor,
        user_id=user.id,
        previous_token=previous_token,
        lifetime=lifetime,
        second_factor=factor_use is not None,
        now=now,
    )


async def open_user_session(
    tx: Transaction,
    actor: Actor,
    *,
    user_id: UUID,
    previous_token: str | None,
    lifetime: timedelta,
    proven_at: datetime | None = None,
    second_factor: bool,
    now: datetime,
) -> SignIn:
    """Open a session for a user who has proven who they are, and end the browser's previous one."""
    await accounts_repository.record_joining(tx, user_id, now=now)
    if previous_token:
        await repository.end_by_token(tx, token_hash=hash_token(previous_token))
    opened_session = await open_session(
        tx,
        actor,
        user_id=user_id,
        customer_id=None,
        lifetime=lifetime,
        proven_at=proven_at,
        second_factor=second_factor,
        now=now,
    )
    account = await accounts.get_account(tx, Actor(f"user:{user_id}", user_id=user_id))
    await audit.record(
        tx,
        actor,
        clinic_id=PLATFORM,
        subjects=[user_id],
        also_at=[membership.clinic_id for membership in account.memberships],
    )
    return SignIn(opened_session.session, account, opened_session.token)


async def identify(
    db: Statements,
    *,
    token: str,
    idle: timedelta,
    address: str | None = None,
    unattended: bool = False,
    now: datetime,
) -> Actor | None:
    """Return the user or patient the token belongs to, with their current roles; None if the session has ended or never
    existed. `unattended` requests do not count as activity."""
    owner = await repository.find_owner(db, token_hash=hash_token(token), idle=idle, now=now)
    if owner is None:
        return None
    if owner.seen_at <= now - SEEN_UPDATE_INTERVAL and not unattended:
        await repository.record_use(db, owner.session_id, address=address, now=now)
    return Actor(
        f"user:{owner.user_id}" if owner.user_id else f"patient:{owner.customer_id}",
        administrator=owner.administrator,
        user_id=owner.user_id,
        memberships=owner.memberships,
        customer_id=owner.customer_id,
        session_id=owner.session_id,
        proven_at=owner.proven_at,
        second_factor=owner.second_factor,
    )


async def list_own(db: Statements, actor: Actor, *, idle: timedelta, now: datetime) -> list[Session]:
    """Return the caller's sessions, oldest first; none for callers without an account."""
    sessions = await repository.list_active(
        db, user_id=actor.user_id, customer_id=actor.customer_id, idle=idle, now=now
    )
    return [msgspec.structs.replace(session, current=session.id == actor.session_id) for session in sessions]


async def get(db: Statements, actor: Actor, *, session_id: UUID | None, idle: timedelta, now: datetime) -> Session:
    """Return one of the caller's sessions. Raise `NotFound`."""
    for session in await list_own(db, actor, idle=idle, now=now):
        if session.id == session_id:
            return session
    raise errors.NotFound


async def end(tx: Transaction, actor: Actor, *, session_id: UUID) -> None:
    """End one of the caller's sessions. Raise `NotFound` for anyone else's."""
    await _end(tx, actor, session_id)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[session_id])


async def sign_out(tx: Transaction, actor: Actor) -> None:
    """End the session the caller is using. Raise `NotFound` for callers without one."""
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
