"""Sign in with a passkey, which replaces both the password and the code."""

from datetime import datetime, timedelta

from ... import audit
from ...database.pool import Database, Transaction
from ...kit.actors import Actor
from ..accounts import repository as accounts_repository
from ..passkeys import service as passkeys
from ..passkeys.model import PasskeyProof, PasskeyRefused, RelyingParty
from .service import SignIn, open_user_session


async def sign_in(
    db: Database,
    actor: Actor,
    *,
    proof: PasskeyProof,
    browser_id: str,
    previous_token: str | None,
    party: RelyingParty,
    lifetime: timedelta,
    refusals: audit.Refusals,
    now: datetime,
) -> SignIn:
    """Sign in the user whose passkey has signed a challenge issued to this browser, and end the browser's previous
    session. Raise `PasskeyRefused`."""
    try:
        return await db.atomic(
            _sign_in,
            actor,
            proof=proof,
            browser_id=browser_id,
            previous_token=previous_token,
            party=party,
            lifetime=lifetime,
            now=now,
        )
    except PasskeyRefused as refusal:
        await _record_failure(db, actor, refusal, refusals)
        raise


async def _sign_in(
    tx: Transaction,
    actor: Actor,
    *,
    proof: PasskeyProof,
    browser_id: str,
    previous_token: str | None,
    party: RelyingParty,
    lifetime: timedelta,
    now: datetime,
) -> SignIn:
    passkey = await passkeys.check_use(tx, proof, party=party, purpose="sign-in", holder=browser_id, now=now)
    if await accounts_repository.lock(tx, passkey.user_id) is None:
        raise PasskeyRefused("disabled-account", passkey.user_id)
    return await open_user_session(
        tx,
        actor,
        user_id=passkey.user_id,
        previous_token=previous_token,
        lifetime=lifetime,
        second_factor=True,
        now=now,
    )


async def _record_failure(db: Database, actor: Actor, refusal: PasskeyRefused, refusals: audit.Refusals) -> None:
    """Record a refused passkey at its user's clinics."""
    memberships = await accounts_repository.list_memberships(db, refusal.user_id) if refusal.user_id else []
    await refusals.record(
        db,
        actor,
        "signInFailed",
        outcome=refusal.outcome,
        clinic_ids=[membership.clinic_id for membership in memberships],
        subjects=[refusal.user_id] if refusal.user_id else [],
    )
