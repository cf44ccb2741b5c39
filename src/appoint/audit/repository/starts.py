"""Delete a chain's oldest entries, and record where the chain now starts."""

from ...database.pool import Row, Statements
from ..model import AuditStart


async def find(tx: Statements, clinic_id: int) -> AuditStart | None:
    """Return where the clinic's chain starts; None if no entries have been deleted."""
    row = await tx.fetchrow("select * from audit_start where clinic_id = $1", clinic_id)
    return _start(row) if row else None


def _start(row: Row) -> AuditStart:
    return AuditStart(
        clinic_id=row.clinic_id,
        position=row.position,
        hash=row.hash.hex(),
        before=row.before,
        public_key=row.public_key,
        signature=row.signature,
    )


async def delete_until(tx: Statements, clinic_id: int, position: int) -> int:
    """Delete a clinic's sealed entries up to a position. Return how many were deleted."""
    return await tx.fetchval("select delete_old_audit_entries($1, $2)", clinic_id, position)


async def move(tx: Statements, start: AuditStart) -> None:
    await tx.execute(
        """
        insert into audit_start (clinic_id, position, hash, before, public_key, signature)
        values ($1, $2, decode($3, 'hex'), $4, $5, $6)
        on conflict (clinic_id) do update
           set position = excluded.position, hash = excluded.hash, before = excluded.before,
               public_key = excluded.public_key, signature = excluded.signature
        """,
        start.clinic_id,
        start.position,
        start.hash,
        start.before,
        start.public_key,
        start.signature,
    )
