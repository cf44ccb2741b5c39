"""Record that signed-in users have entered a credential again."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...database.pool import Database, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from ..accounts import repository as accounts_repository
from ..accounts import service as accounts
from ..accounts.model import totp_step
from ..passkeys.model import RelyingParty
from . import factors, repository
from .factors import FactorProof


async def prove(
    db: Database, actor: Actor, *, password: str | None, factor: FactorProof, party: RelyingParty, now: datetime
) -> None:
    """Record that the signed-in user has just entered their password or a code from their authenticator, or used their
    passkey.

    Raise `Forbidden` for callers without a user's session, or `Invalid` for a wrong or missing credential.
    """
    if actor.user_id is None or actor.session_id is None:
        raise errors.Forbidden
    if password is not None:
        await accounts.check_password(db, actor, password, "#/password")
        factor = FactorProof()
    elif factor.code is None and factor.passkey is None:
        raise errors.Invalid(errors.Fault("#/password", "is missing"))
    await db.atomic(_prove, actor, actor.user_id, actor.session_id, factor=factor, party=party, now=now)


async def _prove(
    tx: Transaction,
    actor: Actor,
    user_id: UUID,
    session_id: UUID,
    *,
    factor: FactorProof,
    party: RelyingParty,
    now: datetime,
) -> None:
    if factor.code is not None:
        user = await accounts_repository.lock(tx, user_id)
        step = totp_step(tx.keys, party.secret, user, factor.code, now) if user and user.totp_confirmed_at else None
        if step is None:
            raise errors.Invalid(errors.Fault("#/totp", accounts.WRONG_CODE))
        await accounts_repository.record_sign_in(tx, user_id, password_hash=None, totp_step=step)
    elif factor.passkey is not None:
        await factors.check_own_passkey(tx, user_id, factor, party=party, now=now)
    has_factor = factor.code is not None or factor.passkey is not None
    await repository.record_proof(tx, session_id, second_factor=has_factor, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
