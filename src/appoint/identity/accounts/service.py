"""Inviting and managing a clinic's staff, and users' changes to their own accounts."""

from datetime import datetime
from typing import Final, get_args
from uuid import UUID, uuid4

import msgspec

from ... import audit
from ...clinics.clinics import repository as clinics_repository
from ...clinics.clinics import service as clinics
from ...clinics.doctors import service as doctors
from ...customers import service as customers
from ...database.pool import Database, Row, Statements, Transaction, to
from ...http.etags import check, digest
from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ...kit.ids import PLATFORM, clinic_of
from ...kit.signed_tokens import sign, verify
from ...kit.structs import merge
from ...messaging.notifications.model import LINK_TTL, AccountKind
from ...messaging.notifications.service import mail_user
from .. import passwords
from . import repository
from .model import (
    Account,
    AccountMembership,
    AccountPatch,
    StaffRole,
    TotpSetup,
    User,
    UserInvitation,
    UserPatch,
    sealed_totp,
    totp_setup,
    totp_step,
)

WRONG_PASSWORD: Final = translatable("is not your current password")


async def get(db: Statements, clinic_id: int, user_id: UUID) -> User:
    """Return a user of the clinic. Raises `NotFound`."""
    if user := await repository.find(db, clinic_id, user_id):
        return user
    raise errors.NotFound


async def invite(tx: Transaction, actor: Actor, *, clinic_id: int, content: UserInvitation, now: datetime) -> User:
    """Add a user to the clinic's staff and mail them how to sign in. Nothing reveals whether they had an account.

    Raises `NotFound` for the clinic or the doctor, `Invalid` for a doctor's account that names no doctor, `Conflict`:
    `clinic-inactive`, `already-member`.
    """
    await clinics.get_active(tx, clinic_id)
    user_id = await account_of(tx, email=content.email, name=content.name)
    await join(
        tx, clinic_id=clinic_id, user_id=user_id, name=content.name, role=content.role, doctor_id=content.doctor_id
    )
    await mail_user(tx, kind="invitation", user_id=user_id, clinic_id=clinic_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return await get(tx, clinic_id, user_id)


async def account_of(tx: Transaction, *, email: str, name: str) -> UUID:
    """Return the id of the user with that address, and create the user if there is none."""
    await repository.add_user(tx, email=email, name=name)
    user_id = await repository.id_of(tx, email)
    assert user_id
    return user_id


async def join(
    tx: Transaction, *, clinic_id: int, user_id: UUID, name: str, role: StaffRole, doctor_id: UUID | None
) -> None:
    """Add a user to the clinic's staff. Raises as `invite` does."""
    await _check_doctor(tx, clinic_id, role, doctor_id)
    if not await repository.add_member(tx, clinic_id, user_id, name=name, role=role, doctor_id=doctor_id):
        raise errors.Conflict("already-member")


async def _check_doctor(tx: Transaction, clinic_id: int, role: StaffRole, doctor_id: UUID | None) -> None:
    if doctor_id:
        if clinic_of(doctor_id) != clinic_id:
            raise errors.NotFound
        await doctors.get(tx, doctor_id)
    elif role == "doctor":
        raise errors.Invalid(errors.Fault("#/doctorId", "must name a doctor of this clinic"))


async def invite_again(tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID, now: datetime) -> User:
    """Mail the invitation again. Raises `NotFound`, or `Conflict` `already-joined`."""
    user = await get(tx, clinic_id, user_id)
    if user.joined_at:
        raise errors.Conflict("already-joined")
    await mail_user(tx, kind="invitation", user_id=user_id, clinic_id=clinic_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return user


async def change(
    tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID, patch: UserPatch, if_match: str | None
) -> User:
    """Change a user's name or role at the clinic, from their next request on. Raises as `invite` does, or `Conflict`
    `last-manager`."""
    user = await _locked(tx, clinic_id, user_id, if_match)
    changed = merge(user, patch)
    await _check_doctor(tx, clinic_id, changed.role, changed.doctor_id)
    if changed.role != "manager":
        await _keep_a_manager(tx, user)
    await repository.change_member(
        tx, clinic_id, user_id, name=changed.name, role=changed.role, doctor_id=changed.doctor_id
    )
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return await get(tx, clinic_id, user_id)


async def remove(tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID, if_match: str | None) -> None:
    """Remove a user from the clinic's staff. Raises `NotFound`, or `Conflict` `last-manager`."""
    await _keep_a_manager(tx, await _locked(tx, clinic_id, user_id, if_match))
    await repository.remove_member(tx, clinic_id, user_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])


async def _locked(tx: Transaction, clinic_id: int, user_id: UUID, if_match: str | None) -> User:
    """Lock the clinic, so that two managers who remove each other concurrently cannot both succeed."""
    await clinics_repository.lock(tx, clinic_id)
    user = await get(tx, clinic_id, user_id)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=user.version)
    return user


async def _keep_a_manager(tx: Transaction, leaving: User) -> None:
    if leaving.role == "manager" and await repository.managers(tx, leaving.clinic_id) == 1:
        raise errors.Conflict("last-manager")


async def account(db: Statements, actor: Actor) -> Account:
    """Return the caller's account. Raises `Unauthorized` if the user no longer exists."""
    if actor.customer_id:
        customer = await customers.get(db, actor.customer_id)
        return Account(customer_id=customer.id, name=customer.name, email=customer.email, locale=customer.locale)
    if actor.user_id is None:
        return Account(administrator=actor.administrator)
    user = await repository.find_user(db, actor.user_id)
    if user is None:
        raise errors.Unauthorized
    return Account(
        user_id=user.id,
        administrator=user.administrator,
        name=user.name,
        email=user.email,
        locale=user.locale,
        totp=user.totp_confirmed_at is not None,
        memberships=[to(AccountMembership, row) for row in await repository.memberships(db, user.id)],
    )


async def change_account(tx: Transaction, actor: Actor, *, patch: AccountPatch, if_match: str | None) -> Account:
    """Change the caller's own name and language. Raises `Forbidden` for callers without a user account."""
    user = await _own(tx, actor, if_match)
    await repository.change_user(
        tx,
        user.id,
        name=user.name if patch.name is msgspec.UNSET else patch.name,
        locale=user.locale if patch.locale is msgspec.UNSET else patch.locale,
    )
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
    return await account(tx, actor)


async def _own(db: Statements, actor: Actor, if_match: str | None = None) -> Row:
    if actor.user_id is None:
        raise errors.Forbidden
    if if_match is not None:
        check(if_match, digest(await account(db, actor)))
    if user := await repository.find_user(db, actor.user_id):
        return user
    raise errors.Unauthorized


async def _check_password(
    db: Statements, actor: Actor, password: str, pointer: str, if_match: str | None = None
) -> Row:
    """Return the caller's user. Raises `Invalid` for a wrong password."""
    user = await _own(db, actor, if_match)
    matches, _ = await passwords.verify(password, user.password_hash)
    if not matches:
        raise errors.Invalid(errors.Fault(pointer, WRONG_PASSWORD))
    return user


async def change_password(db: Database, actor: Actor, *, current: str, new: str, if_match: str | None) -> None:
    """Change the caller's password and end their other sessions. Raises `Invalid` for a wrong current password or a
    weak new one."""
    user = await _check_password(db, actor, current, "#/current", if_match)
    if faults := passwords.faults(new, "#/new", about=(user.email, user.name)):
        raise errors.Invalid(*faults)
    await db.atomic(
        _set_password, actor, user=user, password_hash=await passwords.hash_password(new), but=actor.session_id
    )


async def _set_password(tx: Transaction, actor: Actor, *, user: Row, password_hash: str, but: UUID | None) -> Row:
    """Raise `Conflict` `link-used` when the password has changed since `user` was read."""
    changed = await repository.set_password(tx, user.id, password_hash=password_hash, credentials=user.credentials)
    if changed is None:
        raise errors.Conflict("link-used")
    await repository.end_sessions(tx, user.id, but=but)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user.id])
    return changed


async def begin_totp(db: Database, actor: Actor, *, password: str, secret: str) -> TotpSetup:
    """Return the secret for the caller's authenticator. Signing in requires codes only after `confirm_totp`.

    Raises `Invalid` for a wrong password, `Conflict` `totp-on` when an authenticator is set up already.
    """
    user = await _check_password(db, actor, password, "#/password")
    setup = totp_setup(user.email)
    await db.atomic(_begin_totp, actor, user_id=user.id, totp_secret=sealed_totp(secret, user.id, setup.secret))
    return setup


async def _begin_totp(tx: Transaction, actor: Actor, *, user_id: UUID, totp_secret: bytes) -> None:
    user = await repository.lock(tx, user_id)
    if user is None or user.totp_confirmed_at:
        raise errors.Conflict("totp-on")
    await repository.begin_totp(tx, user_id, totp_secret=totp_secret)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])


async def confirm_totp(tx: Transaction, actor: Actor, *, code: str, secret: str, now: datetime) -> Account:
    """Require codes for signing in from now on. Raises `Invalid` for a wrong code, `Conflict`: `totp-on` when codes are
    required already, `totp-not-begun`."""
    await _own(tx, actor)
    user = await repository.lock(tx, actor.user_id) if actor.user_id else None
    if user is None or user.totp_secret is None:
        raise errors.Conflict("totp-not-begun")
    if user.totp_confirmed_at:
        raise errors.Conflict("totp-on")
    step = totp_step(secret, user, code, now)
    if step is None:
        raise errors.Invalid(errors.Fault("#/code", "is not a valid code"))
    await repository.confirm_totp(tx, user.id, step=step, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
    return await account(tx, actor)


async def remove_totp(db: Database, actor: Actor, *, password: str) -> Account:
    """Let the caller sign in with the password alone again. Raises `Invalid` for a wrong one."""
    user = await _check_password(db, actor, password, "#/password")
    await db.atomic(_remove_totp, actor, user_id=user.id)
    return await account(db, actor)


async def _remove_totp(tx: Transaction, actor: Actor, *, user_id: UUID) -> None:
    await repository.remove_totp(tx, user_id)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])


def link_token(secret: str, kind: AccountKind, user: Row, now: datetime) -> str:
    """Return the last part of a mailed link to choose a password."""
    return sign(secret, kind, [str(user.id), user.credentials, int((now + LINK_TTL[kind]).timestamp())])


async def of_link(db: Statements, *, token: str, secret: str, now: datetime) -> Row:
    """Return the user who may choose a password with a mailed link. Raises `NotFound` for a link that Appoint did not
    send, `Conflict`: `link-used`, `link-expired`."""
    read = next((value for kind in get_args(AccountKind) if (value := verify(secret, kind, token))), None)
    if read is None:
        raise errors.NotFound
    user_id, credentials, expires = read
    user = await repository.find_user(db, UUID(user_id))
    if user is None or user.credentials != credentials:
        raise errors.Conflict("link-used")
    if now.timestamp() >= expires:
        raise errors.Conflict("link-expired")
    return user


async def take_up(db: Database, actor: Actor, *, token: str, password: str, secret: str, now: datetime) -> str:
    """Set a password by a mailed link, which works once, and end all sessions. Return the user's e-mail address.

    Raises as `of_link` does, and `Invalid` for a password that is too weak.
    """
    user = await of_link(db, token=token, secret=secret, now=now)
    if faults := passwords.faults(password, "#/password", about=(user.email, user.name)):
        raise errors.Invalid(*faults)
    changed = await db.atomic(
        _set_password, actor, user=user, password_hash=await passwords.hash_password(password), but=None
    )
    return changed.email


async def ask_for_reset(tx: Transaction, actor: Actor, *, email: str, now: datetime) -> None:
    """Mail a password-reset link to the user with that address. Runs the same statements for unknown addresses, so
    timing reveals nothing."""
    user_id = await repository.id_of(tx, email)
    await mail_user(tx, kind="password-reset", user_id=user_id or uuid4(), clinic_id=PLATFORM, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[])
