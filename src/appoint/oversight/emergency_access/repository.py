"""SQL for emergency access."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...database.pool import Row, Statements, to
from ...kit import ids
from ...kit.key_ring import EncryptedField
from .model import EmergencyAccess


async def add(
    tx: Statements, *, clinic_id: int, doctor_id: UUID, customer_id: UUID, reason: str, expires_at: datetime
) -> EmergencyAccess:
    access_id = ids.new_id(clinic_id)
    row = await tx.fetchrow(
        """
        insert into emergency_access (clinic_id, id, doctor_id, customer_id, reason, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        returning *
        """,
        clinic_id,
        access_id,
        doctor_id,
        customer_id,
        tx.keys.encrypt(reason, EncryptedField.EMERGENCY_REASON, access_id),
        expires_at,
    )
    assert row
    return _access(tx, row)


def _access(db: Statements, row: Row) -> EmergencyAccess:
    return to(EmergencyAccess, row, reason=db.keys.decrypt(row.reason, EncryptedField.EMERGENCY_REASON, row.id))


async def find(db: Statements, *, clinic_id: int, access_id: UUID) -> EmergencyAccess | None:
    row = await db.fetchrow("select * from emergency_access where clinic_id = $1 and id = $2", clinic_id, access_id)
    return _access(db, row) if row else None


async def list_newest(
    db: Statements, *, clinic_id: int, reviewed: bool | None, before: UUID | None, limit: int
) -> Sequence[EmergencyAccess]:
    """Return a clinic's periods of emergency access, newest first, plus one beyond `limit` if there are more."""
    rows = await db.fetch(
        """
        select *
          from emergency_access
         where clinic_id = $1 and ($2::boolean is null or (reviewed_at is not null) = $2)
           and ($3::uuid is null or id < $3)
         order by id desc
         limit $4 + 1
        """,
        clinic_id,
        reviewed,
        before,
        limit,
    )
    return [_access(db, row) for row in rows]


async def count_unreviewed(db: Statements, *, clinic_id: int) -> int:
    return await db.fetchval(
        "select count(*) from emergency_access where clinic_id = $1 and reviewed_at is null", clinic_id
    )


async def mark_reviewed(tx: Statements, *, clinic_id: int, access_id: UUID, reviewer: str, now: datetime) -> None:
    """Mark the access as reviewed, unless it already is."""
    await tx.execute(
        """
        update emergency_access
           set reviewed_at = $4, reviewer = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and reviewed_at is null
        """,
        clinic_id,
        access_id,
        reviewer,
        now,
    )


async def erase_reasons(tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int]) -> None:
    """Erase the reasons for opening the customer's record at these clinics, because they may say something about the
    customer."""
    await tx.execute(
        """
        update emergency_access set reason = '(erased)', version = version + 1, updated_at = now()
         where clinic_id = any($2) and customer_id = $1 and reason <> '(erased)'
        """,
        customer_id,
        clinic_ids,
    )


async def delete_of_customers(tx: Statements, customer_ids: Sequence[UUID]) -> None:
    """Delete all records of emergency access to the customers."""
    await tx.execute("delete from emergency_access where customer_id = any($1)", customer_ids)
