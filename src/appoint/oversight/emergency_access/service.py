"""Let a doctor see a colleague's patient in an emergency, and review that access afterwards."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ... import audit
from ...customers import service as customers
from ...database.pool import Statements, Transaction
from ...kit import errors, ids
from ...kit.actors import Actor
from . import repository
from .model import ACCESS_TTL, EmergencyAccess, EmergencyAccessRequest


async def grant(
    tx: Transaction,
    actor: Actor,
    *,
    clinic_id: int,
    doctor_id: UUID,
    customer_id: UUID,
    request: EmergencyAccessRequest,
    now: datetime,
) -> EmergencyAccess:
    """Let a doctor see a colleague's patient for 24 hours. The reason is not in the audit entry, because it may name
    people. Raise `NotFound` for someone who is not the clinic's patient."""
    await customers.get_patient(tx, clinic_id, customer_id)
    access = await repository.add(
        tx,
        clinic_id=clinic_id,
        doctor_id=doctor_id,
        customer_id=customer_id,
        reason=request.reason,
        expires_at=now + ACCESS_TTL,
    )
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[access.id, customer_id], reason="emergency")
    return access


async def get(db: Statements, access_id: UUID) -> EmergencyAccess:
    """Return a doctor's emergency access to a patient. Raise `NotFound`."""
    if access := await repository.find(db, clinic_id=ids.clinic_of(access_id), access_id=access_id):
        return access
    raise errors.NotFound


async def list_newest(
    db: Statements, *, clinic_id: int, reviewed: bool | None, before: UUID | None, limit: int
) -> Sequence[EmergencyAccess]:
    """Return a clinic's periods of emergency access, newest first, plus one beyond `limit` if there are more."""
    return await repository.list_newest(db, clinic_id=clinic_id, reviewed=reviewed, before=before, limit=limit)


async def count_unreviewed(db: Statements, *, clinic_id: int) -> int:
    """Return how many of a clinic's periods of emergency access have not been reviewed yet."""
    return await repository.count_unreviewed(db, clinic_id=clinic_id)


async def review(tx: Transaction, actor: Actor, *, access_id: UUID, now: datetime) -> EmergencyAccess:
    """Record that a manager has reviewed a doctor's emergency access. Reviewing it again has no effect. Raise
    `NotFound`.
    """
    clinic_id = ids.clinic_of(access_id)
    await get(tx, access_id)
    await repository.mark_reviewed(tx, clinic_id=clinic_id, access_id=access_id, reviewer=actor.key, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[access_id])
    return await get(tx, access_id)
