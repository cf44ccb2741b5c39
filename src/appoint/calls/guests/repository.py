"""SQL for guests."""

from datetime import datetime
from uuid import UUID

from ...database.pool import Statements, affected, to
from ...kit.ids import clinic_of, new_id
from .model import Guest


async def find(db: Statements, guest_id: UUID) -> Guest | None:
    """Return a guest whose link is valid."""
    row = await db.fetchrow(
        """
        select id, appointment_id, name, created_at
          from call_guest
         where clinic_id = $1 and id = $2 and revoked_at is null
        """,
        clinic_of(guest_id),
        guest_id,
    )
    return to(Guest, row) if row else None


async def add(tx: Statements, appointment_id: UUID, name: str) -> Guest:
    clinic_id = clinic_of(appointment_id)
    row = await tx.fetchrow(
        """
        insert into call_guest (clinic_id, id, appointment_id, name) values ($1, $2, $3, $4)
        returning id, appointment_id, name, created_at
        """,
        clinic_id,
        new_id(clinic_id),
        appointment_id,
        name,
    )
    assert row
    return to(Guest, row)


async def revoke(tx: Statements, guest_id: UUID, *, now: datetime) -> bool:
    """Revoke a guest's link. Return False if there is none that is valid."""
    tag = await tx.execute(
        "update call_guest set revoked_at = $3 where clinic_id = $1 and id = $2 and revoked_at is null",
        clinic_of(guest_id),
        guest_id,
        now,
    )
    return affected(tag) == 1


async def erase(tx: Statements, customer_id: UUID) -> None:
    """Delete the guests whom an erased customer brought, at all clinics."""
    await tx.execute(
        """
        delete from call_guest g
         using appointment a
         where a.customer_id = $1 and g.clinic_id = a.clinic_id and g.appointment_id = a.id
        """,
        customer_id,
    )
