"""Check a user's second factor."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Transaction
from ...kit import errors
from ..accounts.model import StoredUser, totp_step
from ..accounts.service import WRONG_PASSKEY
from ..passkeys import service as passkeys
from ..passkeys.challenges import Purpose
from ..passkeys.model import PasskeyProof, PasskeyRefused, RelyingParty
from ..second_factors import service as second_factors

REQUIRED: Final = ("totp-required", "passkey-required")
"""The refusals for a correct password without the second factor that the account also requires."""


class FactorProof(NamedTuple):
    """What a user submits as their second factor."""

    code: str | None = None
    """The authenticator's six digits."""
    recovery_code: str | None = None
    passkey: PasskeyProof | None = None
    holder: str = ""
    """The session or browser that the passkey's challenge was issued to."""


class FactorUse(NamedTuple):
    """A second factor that was accepted."""

    totp_step: int | None = None
    """The time step of the authenticator's code, if there was one."""


async def check(
    tx: Transaction, user: StoredUser, proof: FactorProof, *, party: RelyingParty, now: datetime
) -> FactorUse | None:
    """Return the accepted second factor; None if the account does not have any.

    Raise `Unauthorized`: `totp-required` or `passkey-required` if it is missing, `wrong-credentials` or
    `passkey-refused` if it is wrong.
    """
    factors = await second_factors.find(tx, user.id)
    if not factors.is_set_up:
        return None
    if proof.code is not None and factors.totp:
        step = totp_step(tx.keys, party.secret, user, proof.code, now)
        if step is None:
            raise errors.Unauthorized("wrong-credentials")
        return FactorUse(step)
    if proof.passkey is not None:
        await _check_passkey(tx, user.id, proof, purpose="sign-in", party=party, now=now)
        return FactorUse()
    if proof.recovery_code is not None:
        if not await second_factors.use_code(tx, user_id=user.id, code=proof.recovery_code, now=now):
            raise errors.Unauthorized("wrong-credentials")
        return FactorUse()
    raise errors.Unauthorized("totp-required" if factors.totp else "passkey-required")


async def check_own_passkey(
    tx: Transaction, user_id: UUID, proof: FactorProof, *, party: RelyingParty, now: datetime
) -> None:
    """Raise `Invalid` unless the signed-in user has just used one of their own passkeys."""
    try:
        await _check_passkey(tx, user_id, proof, purpose="prove", party=party, now=now)
    except PasskeyRefused as refusal:
        raise errors.Invalid(errors.Fault("#/passkey", WRONG_PASSKEY)) from refusal


async def _check_passkey(
    tx: Transaction,
    user_id: UUID,
    proof: FactorProof,
    *,
    purpose: Purpose,
    party: RelyingParty,
    now: datetime,
) -> None:
    if proof.passkey is None:
        raise PasskeyRefused("no-passkey")
    passkey = await passkeys.check_use(tx, proof.passkey, party=party, purpose=purpose, holder=proof.holder, now=now)
    if passkey.user_id != user_id:
        raise PasskeyRefused("another-users-passkey", user_id)
