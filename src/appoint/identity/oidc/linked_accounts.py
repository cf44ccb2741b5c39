"""Sign in the users that the OpenID provider identified, and link their accounts to their identities there.

The provider only says who someone is. What they may do depends on their account, as with any other way of signing in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ... import audit
from ...database.pool import Database, Statements, Transaction
from ...http.access import PROOF_TTL
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from ...messaging.notifications.service import notify_user
from ..accounts import repository as accounts
from ..accounts.model import StoredUser
from ..passkeys.model import RelyingParty
from ..second_factors import service as second_factors
from ..sessions import factors
from ..sessions import repository as sessions_repository
from ..sessions import service as sessions
from ..sessions.factors import FactorProof
from ..sessions.service import SignIn
from . import repository
from .attempts import AttemptFailed, Identity, PendingCode
from .sign_in import ProviderSignIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """The facts about the browser and the server that are needed to sign someone in."""

    previous_token: str | None
    """The browser's previous session, which the sign-in ends."""
    lifetime: timedelta
    """The new session's maximum lifetime."""
    party: RelyingParty


async def enter(
    db: Database,
    actor: Actor,
    sign_in: ProviderSignIn,
    identity: Identity,
    *,
    browser: Browser,
    refusals: audit.Refusals,
    next: str,
    now: datetime,
) -> SignIn | PendingCode:
    """Sign in the user whom the provider identified, or return what is needed to ask for their second factor.

    Raise an `unlinked` `AttemptFailed` if no usable account is linked to the identity, and none can be linked by its
    email address. The audit log distinguishes the reasons.
    """
    user = await repository.find_user(db, issuer=sign_in.issuer, subject_hash=identity.subject_hash)
    if user is None and sign_in.links_by_email and identity.verified_email:
        user = await db.atomic(_link_by_email, actor, sign_in, identity, email=identity.verified_email, now=now)
    if user is None or user.disabled_at is not None:
        await _record_failure(db, actor, user, identity, refusals)
        raise AttemptFailed("unlinked")
    second_factor = await second_factors.find(db, user.id)
    if second_factor.is_set_up and not sign_in.has_second_factor:
        return PendingCode(
            user_id=user.id,
            totp=second_factor.totp,
            credentials=user.credentials,
            authenticated_at=identity.authenticated_at,
            next=next,
            started_at=now,
        )
    return await db.atomic(
        _enter,
        actor,
        user=user,
        authenticated_at=identity.authenticated_at,
        browser=browser,
        provider_factor=sign_in.has_second_factor,
        now=now,
    )


async def _record_failure(
    db: Statements, actor: Actor, user: StoredUser | None, identity: Identity, refusals: audit.Refusals
) -> None:
    memberships = await accounts.list_memberships(db, user.id) if user else []
    await refusals.record(
        db,
        actor,
        "signInFailed",
        outcome="disabled-account" if user else "unlinked-identity",
        clinic_ids=[membership.clinic_id for membership in memberships],
        subjects=[user.id] if user else [],
        who=f"openid {identity.subject_hash.hex()}",
    )


async def _link_by_email(
    tx: Transaction, actor: Actor, sign_in: ProviderSignIn, identity: Identity, *, email: str, now: datetime
) -> StoredUser | None:
    """Return the user with the address, now linked to the identity; None if no user has that address, or if they are
    already linked to a different identity."""
    user = await accounts.find_by_email(tx, email)
    if user is None or user.disabled_at is not None:
        return user
    return user if await _add_link(tx, actor, user.id, sign_in, identity, now=now) else None


async def _add_link(
    tx: Transaction, actor: Actor, user_id: UUID, sign_in: ProviderSignIn, identity: Identity, *, now: datetime
) -> bool:
    subject_hash = identity.subject_hash
    if not await repository.add(tx, user_id, issuer=sign_in.issuer, subject_hash=subject_hash, now=now):
        return False
    await notify_user(tx, kind="openid-linked", user_id=user_id, clinic_id=PLATFORM, now=now)
    actor = msgspec.structs.replace(actor, operation="linkOpenId")
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user_id])
    return True


async def enter_with_code(
    db: Database,
    actor: Actor,
    pending: PendingCode,
    *,
    factor: FactorProof,
    browser: Browser,
    refusals: audit.Refusals,
    now: datetime,
) -> SignIn:
    """Finish a sign-in with a code from the user's authenticator, or a recovery code. Raise `Unauthorized` if it is
    wrong, or an `expired` `AttemptFailed` if the account has changed in the meantime."""
    user = await accounts.find_user(db, pending.user_id)
    if user is None or user.credentials != pending.credentials:
        raise AttemptFailed("expired")
    try:
        return await db.atomic(
            _enter,
            actor,
            user=user,
            authenticated_at=pending.authenticated_at,
            browser=browser,
            factor=factor,
            now=now,
        )
    except errors.Unauthorized as refusal:
        memberships = await accounts.list_memberships(db, user.id)
        await refusals.record(
            db,
            actor,
            "signInFailed",
            outcome=refusal.type,
            clinic_ids=[membership.clinic_id for membership in memberships],
            subjects=[user.id],
            who=f"account {user.email}",
        )
        raise


async def _enter(
    tx: Transaction,
    actor: Actor,
    *,
    user: StoredUser,
    authenticated_at: datetime | None,
    browser: Browser,
    provider_factor: bool = False,
    factor: FactorProof | None = None,
    now: datetime,
) -> SignIn:
    locked = await accounts.lock(tx, user.id)
    if locked is None or locked.credentials != user.credentials:
        raise AttemptFailed("expired")
    proven_at = min(authenticated_at, now) if authenticated_at else now - PROOF_TTL
    factor_use = None
    if factor is not None:
        factor_use = await factors.check(tx, locked, factor, party=browser.party, now=now)
    if factor_use:
        await accounts.record_sign_in(tx, user.id, password_hash=None, totp_step=factor_use.totp_step)
        proven_at = now
    return await sessions.open_user_session(
        tx,
        actor,
        user_id=user.id,
        previous_token=browser.previous_token,
        lifetime=browser.lifetime,
        proven_at=proven_at,
        second_factor=provider_factor or factor_use is not None,
        now=now,
    )


async def linked_at(db: Statements, actor: Actor, sign_in: ProviderSignIn) -> datetime | None:
    """Return when the caller's account was linked to the provider; None if it is not."""
    if actor.user_id is None or not sign_in.name:
        return None
    return await repository.find_link(db, actor.user_id, issuer=sign_in.issuer)


async def link(tx: Transaction, actor: Actor, sign_in: ProviderSignIn, identity: Identity, *, now: datetime) -> None:
    """Link the caller's account to an identity. Raise a `taken` `AttemptFailed` if either is already linked."""
    assert actor.user_id, "checked against the attempt"
    if not await _add_link(tx, actor, actor.user_id, sign_in, identity, now=now):
        raise AttemptFailed("taken")


async def unlink(tx: Transaction, actor: Actor, sign_in: ProviderSignIn, *, now: datetime) -> None:
    """Remove the link between the caller's account and the provider. Raise `Forbidden` for callers without a user
    account."""
    if actor.user_id is None:
        raise errors.Forbidden
    if await repository.remove(tx, actor.user_id, issuer=sign_in.issuer):
        await notify_user(tx, kind="openid-unlinked", user_id=actor.user_id, clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[actor.user_id])


async def prove(tx: Transaction, actor: Actor, sign_in: ProviderSignIn, identity: Identity, *, now: datetime) -> None:
    """Record that the signed-in user has just entered a credential at the provider. Raise an `unlinked`
    `AttemptFailed` if the provider identified someone else."""
    user = await repository.find_user(tx, issuer=sign_in.issuer, subject_hash=identity.subject_hash)
    if user is None or user.id != actor.user_id or actor.session_id is None:
        raise AttemptFailed("unlinked")
    await sessions_repository.record_proof(tx, actor.session_id, second_factor=sign_in.has_second_factor, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
