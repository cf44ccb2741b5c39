"""Owners of appointments, bookings and patients, for authorization."""

from uuid import UUID

from ..database.pool import Statements, to
from ..http.ownership import Owner


async def owners_of_appointment(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return an appointment's doctor, customer and booker."""
    rows = await db.fetch(
        "select doctor_id, customer_id, booker_id from appointment where clinic_id = $1 and id = $2", clinic_id, id
    )
    return [to(Owner, row) for row in rows]


async def owners_of_booking(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return the doctor, customer and booker of each appointment in a booking."""
    rows = await db.fetch(
        "select doctor_id, customer_id, booker_id from appointment where clinic_id = $1 and booking_id = $2",
        clinic_id,
        id,
    )
    return [to(Owner, row) for row in rows]


async def owners_of_patient(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return the doctors with whom a patient has past or upcoming appointments."""
    rows = await db.fetch(
        "select distinct doctor_id, customer_id from appointment where clinic_id = $1 and customer_id = $2",
        clinic_id,
        id,
    )
    return [to(Owner, row) for row in rows]
