"""Create a new installation's first administrator and clinic."""

from datetime import datetime, timedelta

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Database, Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from .. import passwords
from ..accounts import repository as accounts
from ..accounts import staff
from ..sessions import service as sessions
from . import repository
from .model import Installation, NewInstallation


async def is_open(db: Statements) -> bool:
    """Return whether the installation can still be set up, because it has never had an administrator."""
    return not await repository.has_administrator(db)


async def is_new(db: Statements) -> bool:
    """Return whether the installation has neither administrators nor clinics."""
    return not await repository.has_administrator(db) and not await repository.has_clinic(db)


async def set_up(
    db: Database, actor: Actor, *, content: Installation, lifetime: timedelta, now: datetime
) -> NewInstallation:
    """Create the first administrator and the first clinic, make the administrator its manager, and sign them in.

    Raise `NotFound` if there is an administrator, `Invalid` for a weak password, or the same errors as
    `clinics.create`.
    """
    about = (content.email, content.administrator, content.clinic.name)
    if faults := passwords.find_faults(content.password, "#/password", about=about):
        raise errors.Invalid(*faults)
    password_hash = await passwords.hash_password(content.password)
    return await db.atomic(_set_up, actor, content=content, password_hash=password_hash, lifetime=lifetime, now=now)


async def _set_up(
    tx: Transaction, actor: Actor, *, content: Installation, password_hash: str, lifetime: timedelta, now: datetime
) -> NewInstallation:
    await repository.lock(tx)
    if not await is_open(tx):
        raise errors.NotFound
    if await accounts.find_id(tx, content.email):  # knowing the link must not be enough to take over someone's account
        raise errors.Invalid(errors.Fault("#/email", "belongs to someone who already has an account"))
    user_id = await staff.find_or_add_user(tx, email=content.email, name=content.administrator)
    user = await accounts.find_user(tx, user_id)
    assert user
    await accounts.set_password(tx, user_id, password_hash=password_hash, credentials=user.credentials)
    await accounts.make_administrator(tx, user_id)
    clinic = await clinics.create(tx, actor, content=content.clinic)
    await staff.join(
        tx, clinic_id=clinic.id, user_id=user_id, name=content.administrator, role="manager", doctor_id=None
    )
    await accounts.record_joining(tx, user_id, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[user_id], also_at=[clinic.id])
    session = await sessions.open_session(tx, actor, user_id=user_id, customer_id=None, lifetime=lifetime, now=now)
    return NewInstallation(clinic.id, session.token)
