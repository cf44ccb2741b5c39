"""Owners of slots, weekly hours and absences, for authorization: the doctors they belong to."""

from uuid import UUID

from ..database.pool import Statements
from ..http.ownership import Owner


async def owners_of_booking_slot(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return a published slot's doctor."""
    rows = await db.fetch("select doctor_id from booking_slot where clinic_id = $1 and id = $2", clinic_id, id)
    return [Owner(row.doctor_id) for row in rows]


async def owners_of_doctor_slot(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return the doctor whose weekly hours include the line."""
    rows = await db.fetch("select doctor_id from doctor_slot where clinic_id = $1 and id = $2", clinic_id, id)
    return [Owner(row.doctor_id) for row in rows]


async def owners_of_absence(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return an absence's doctor, or no doctor if the clinic is closed."""
    rows = await db.fetch("select doctor_id from absence where clinic_id = $1 and id = $2", clinic_id, id)
    return [Owner(row.doctor_id) for row in rows]
