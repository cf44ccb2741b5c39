"""Invite and manage a clinic's staff."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...clinics.clinics import repository as clinics_repository
from ...clinics.clinics import service as clinics
from ...clinics.doctors import service as doctors
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.structs import merge
from ...messaging.notifications.service import mail_user
from . import repository
from .model import StaffFrame, StaffRole, User, UserInvitation, UserPatch


async def get(db: Statements, clinic_id: int, user_id: UUID) -> User:
    """Return one of the clinic's users. Raise `NotFound`."""
    if user := await repository.find(db, clinic_id, user_id):
        return user
    raise errors.NotFound


async def list_users(db: Statements, clinic_id: int, *, after: tuple[datetime, UUID] | None, limit: int) -> list[User]:
    """Return up to `limit` of a clinic's users in the order they joined, plus one if there are more."""
    return await repository.list_for_clinic(db, clinic_id, after=after, limit=limit)


async def get_frame(db: Statements, *, clinic_id: int | None, user_id: UUID | None) -> StaffFrame:
    """Return the clinic and the signed-in user's name, for the frame around a staff page."""
    return await repository.read_frame(db, clinic_id=clinic_id, user_id=user_id)


async def has_manager(db: Statements, clinic_id: int) -> bool:
    """Return whether the clinic has a manager with access."""
    return await repository.count_managers(db, clinic_id) > 0


async def invite(tx: Transaction, actor: Actor, *, clinic_id: int, content: UserInvitation, now: datetime) -> User:
    """Add a user to the clinic's staff and email them how to sign in. Don't reveal whether they already had an
    account.

    Raise `NotFound` for the clinic or the doctor, `Invalid` if a doctor's account names no doctor, or `Conflict`:
    `clinic-inactive`, `already-member`.
    """
    await clinics.get_active(tx, clinic_id)
    user_id = await find_or_add_user(tx, email=content.email, name=content.name)
    await join(
        tx, clinic_id=clinic_id, user_id=user_id, name=content.name, role=content.role, doctor_id=content.doctor_id
    )
    await mail_user(tx, kind="invitation", user_id=user_id, clinic_id=clinic_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return await get(tx, clinic_id, user_id)


async def find_or_add_user(tx: Transaction, *, email: str, name: str) -> UUID:
    """Return the id of the user with that address. Create the user if there is none."""
    await repository.add_user(tx, email=email, name=name)
    user_id = await repository.find_id(tx, email)
    assert user_id
    return user_id


async def join(
    tx: Transaction, *, clinic_id: int, user_id: UUID, name: str, role: StaffRole, doctor_id: UUID | None
) -> None:
    """Add a user to the clinic's staff. Raise the same errors as `invite`."""
    await _check_doctor(tx, clinic_id, role, doctor_id)
    if not await repository.add_member(tx, clinic_id, user_id, name=name, role=role, doctor_id=doctor_id):
        raise errors.Conflict("already-member")


async def _check_doctor(tx: Transaction, clinic_id: int, role: StaffRole, doctor_id: UUID | None) -> None:
    if doctor_id:
        if clinic_of(doctor_id) != clinic_id:
            raise errors.NotFound
        await doctors.get(tx, doctor_id)
    elif role == "doctor":
        raise errors.Invalid(errors.Fault("#/doctorId", "must be the ID of a doctor at this clinic"))


async def invite_again(tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID, now: datetime) -> User:
    """Send the invitation again. Raise `NotFound`, or an `already-joined` `Conflict`."""
    user = await get(tx, clinic_id, user_id)
    if user.joined_at:
        raise errors.Conflict("already-joined")
    await mail_user(tx, kind="invitation", user_id=user_id, clinic_id=clinic_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return user


async def change(
    tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID, patch: UserPatch, if_match: str | None
) -> User:
    """Change a user's name or role at the clinic, with effect from their next request. Raise the same errors as
    `invite`, or a `last-manager` `Conflict`."""
    user = await _lock(tx, clinic_id, user_id, if_match)
    changed = merge(user, patch)
    await _check_doctor(tx, clinic_id, changed.role, changed.doctor_id)
    if changed.role != "manager":
        await require_another_manager(tx, user)
    await repository.change_member(
        tx, clinic_id, user_id, name=changed.name, role=changed.role, doctor_id=changed.doctor_id
    )
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])
    return await get(tx, clinic_id, user_id)


async def remove(tx: Transaction, actor: Actor, *, clinic_id: int, user_id: UUID, if_match: str | None) -> None:
    """Remove a user from the clinic's staff. Raise `NotFound`, or a `last-manager` `Conflict`."""
    await require_another_manager(tx, await _lock(tx, clinic_id, user_id, if_match))
    await repository.remove_member(tx, clinic_id, user_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[user_id])


async def _lock(tx: Transaction, clinic_id: int, user_id: UUID, if_match: str | None) -> User:
    """Lock the clinic, so that two managers who remove each other at the same time cannot both succeed."""
    await clinics_repository.lock(tx, clinic_id)
    user = await get(tx, clinic_id, user_id)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=user.version)
    return user


async def require_another_manager(tx: Transaction, user: User) -> None:
    """Raise `Conflict` if the user is the clinic's last manager with access."""
    if user.role != "manager" or user.disabled_at:
        return
    if await repository.count_managers(tx, user.clinic_id) == 1:
        raise errors.Conflict("last-manager")
