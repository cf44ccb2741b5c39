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


async def list_guests(db: Statements, appointment_id: UUID) -> list[Guest]:
    rows = await db.fetch(
        """
        select id, appointment_id, name, created_at
          from call_guest
         where clinic_id = $1 and appointment_id = $2 and revoked_at is null
         order by id
        """,
        clinic_of(appointment_id),
        appointment_id,
    )
    return [to(Guest, row) for row in rows]


async def has_appointment(db: Statements, appointment_id: UUID) -> bool:
    return await db.fetchval(
        "select exists (select from appointment where clinic_id = $1 and id = $2)",
        clinic_of(appointment_id),
        appointment_id,
    )


async def lock_visit(tx: Statements, appointment_id: UUID) -> bool | None:
    """Lock an appointment, so that concurrent requests count its guests one at a time. Return whether it is online, or
    None if it does not exist."""
    return await tx.fetchval(
        """
        select coalesce((select t.mode = 'online'
                           from appointment_type t
                          where t.clinic_id = $1 and t.id = a.appointment_type_id), false)
          from appointment a
         where a.clinic_id = $1 and a.id = $2
           for no key update
        """,
        clinic_of(appointment_id),
        appointment_id,
    )


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


async def revoke(tx: Statements, appointment_id: UUID, guest_id: UUID, *, now: datetime) -> bool:
    """Revoke a guest's link. Return False if the appointment has no guest with this id, or if the link has already been
    revoked."""
    tag = await tx.execute(
        """
        update call_guest
           set revoked_at = $4
         where clinic_id = $1 and id = $2 and appointment_id = $3 and revoked_at is null
        """,
        clinic_of(appointment_id),
        guest_id,
        appointment_id,
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
