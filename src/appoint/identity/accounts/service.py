"""Let users change their own accounts: name, language and authenticator."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from ... import audit
from ...customers import service as customers
from ...database.pool import Database, Statements, Transaction
from ...http.etags import check, digest
from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ...kit.ids import PLATFORM
from ...messaging.notifications.service import notify_user
from .. import passwords
from ..second_factors import service as second_factors
from . import repository
from .model import Account, AccountPatch, StoredUser, TotpSetup, totp_setup, totp_step

WRONG_PASSWORD: Final = translatable("is not your current password")
WRONG_CODE: Final = translatable("is not a valid code")
WRONG_PASSKEY: Final = translatable("is not one of your passkeys, or took too long")


async def get_account(db: Statements, actor: Actor) -> Account:
    """Return the caller's account. Raise `Unauthorized` if the user no longer exists."""
    if actor.customer_id:
        customer = await customers.get(db, actor.customer_id)
        return Account(
            customer_id=customer.id,
            name=customer.name,
            email=customer.email,
            locale=customer.locale,
            region=customer.region,
        )
    if actor.user_id is None:
        return Account(administrator=actor.administrator)
    user = await repository.find_user(db, actor.user_id)
    if user is None:
        raise errors.Unauthorized
    factors = await second_factors.find(db, user.id)
    return Account(
        user_id=user.id,
        administrator=user.administrator,
        name=user.name,
        email=user.email,
        locale=user.locale,
        region=user.region,
        totp=factors.totp,
        passkeys=factors.passkeys,
        recovery_codes_left=factors.recovery_codes,
        memberships=await repository.list_memberships(db, user.id),
    )


async def change_account(tx: Transaction, actor: Actor, *, patch: AccountPatch, if_match: str | None) -> Account:
    """Change the caller's own name, language and region. Raise `Forbidden` for callers without a user account."""
    user = await _own_user(tx, actor, if_match)
    await repository.change_user(
        tx,
        user.id,
        name=user.name if patch.name is msgspec.UNSET else patch.name,
        locale=user.locale if patch.locale is msgspec.UNSET else patch.locale,
        region=user.region if patch.region is msgspec.UNSET else patch.region,
    )
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
    return await get_account(tx, actor)


async def _own_user(db: Statements, actor: Actor, if_match: str | None = None) -> StoredUser:
    if actor.user_id is None:
        raise errors.Forbidden
    if if_match is not None:
        check(if_match, digest(await get_account(db, actor)))
    if user := await repository.find_user(db, actor.user_id):
        return user
    raise errors.Unauthorized


async def check_password(
    db: Statements, actor: Actor, password: str, pointer: str, if_match: str | None = None
) -> StoredUser:
    """Return the caller's user. Raise `Invalid` for a wrong password."""
    user = await _own_user(db, actor, if_match)
    matches, _ = await passwords.verify(password, user.password_hash)
    if not matches:
        raise errors.Invalid(errors.Fault(pointer, WRONG_PASSWORD))
    return user


async def begin_totp(db: Database, actor: Actor, *, password: str) -> TotpSetup:
    """Return the secret for the caller's authenticator. Signing in requires codes only after `confirm_totp`.

    Raise `Invalid` for a wrong password, or a `totp-on` `Conflict` if an authenticator is already set up.
    """
    user = await check_password(db, actor, password, "#/password")
    setup = totp_setup(user.email)
    await db.atomic(_begin_totp, actor, user_id=user.id, totp_secret=setup.secret)
    return setup


async def _begin_totp(tx: Transaction, actor: Actor, *, user_id: UUID, totp_secret: str) -> None:
    user = await repository.lock(tx, user_id)
    if user is None or user.totp_confirmed_at:
        raise errors.Conflict("totp-on")
    await repository.begin_totp(tx, user_id, totp_secret=totp_secret)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])


async def confirm_totp(tx: Transaction, actor: Actor, *, code: str, secret: str, now: datetime) -> Account:
    """Require codes for signing in from now on. Setting up an account's first second factor ends the caller's other
    sessions.

    Raise `Invalid` for a wrong code, or `Conflict`: `totp-not-begun` if there is no authenticator to confirm, `totp-on`
    if codes are already required.
    """
    user = await repository.lock(tx, (await _own_user(tx, actor)).id)
    if user is None or user.totp_secret is None:
        raise errors.Conflict("totp-not-begun")
    if user.totp_confirmed_at:
        raise errors.Conflict("totp-on")
    step = totp_step(tx.keys, secret, user, code, now)
    if step is None:
        raise errors.Invalid(errors.Fault("#/code", WRONG_CODE))
    had_factor = await second_factors.has_any(tx, user)
    await repository.confirm_totp(tx, user.id, step=step, now=now)
    if had_factor:
        await notify_user(tx, kind="authenticator-added", user_id=user.id, clinic_id=PLATFORM, now=now)
    codes = await second_factors.record_set_up(tx, actor, user_id=user.id, is_first=not had_factor, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
    return msgspec.structs.replace(await get_account(tx, actor), recovery_codes=codes or msgspec.UNSET)


async def remove_totp(db: Database, actor: Actor, *, password: str, now: datetime) -> Account:
    """Remove the caller's authenticator. Raise `Invalid` for a wrong password."""
    user = await check_password(db, actor, password, "#/password")
    await db.atomic(_remove_totp, actor, user=user, now=now)
    return await get_account(db, actor)


async def _remove_totp(tx: Transaction, actor: Actor, *, user: StoredUser, now: datetime) -> None:
    await repository.remove_totp(tx, user.id)
    if user.totp_confirmed_at:
        remaining = await second_factors.record_removal(tx, user_id=user.id, now=now)
        if remaining.is_set_up:
            await notify_user(tx, kind="authenticator-removed", user_id=user.id, clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
