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
        """
        select doctor_id, customer_id, booker_id, id as appointment_id
          from appointment
         where clinic_id = $1 and booking_id = $2
        """,
        clinic_id,
        id,
    )
    return [to(Owner, row) for row in rows]


async def owners_of_step(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return the doctors of the appointments that a step changed, before and after it."""
    rows = await db.fetch(
        """
        select a.doctor_id
          from appointment_step s
          join appointment a on a.clinic_id = $1 and a.id = s.appointment_id
         where s.clinic_id = $1 and s.step_id = $2
         union
        select doctor_id from appointment_step where clinic_id = $1 and step_id = $2
        """,
        clinic_id,
        id,
    )
    return [to(Owner, row) for row in rows]


async def owners_of_patient(db: Statements, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return the doctors who look after a patient: they have an upcoming appointment with the patient, or had one that
    took place.

    A hold does not count, and neither does a cancelled or missed appointment: a doctor could create one just to see the
    patient's record. In an emergency, doctors can see a colleague's patient for a day if they give a reason.
    """
    rows = await db.fetch(
        """
        select distinct
               case when status in ('booked', 'arrived', 'checked-in', 'fulfilled') then doctor_id end as doctor_id,
               $2::uuid as customer_id
          from appointment
         where clinic_id = $1 and customer_id = any(array(select customers_joined($1, $2)))
         union
        select emergency_doctors($1, joined, now()), $2 from customers_joined($1, $2) as joined
        """,
        clinic_id,
        id,
    )
    return [to(Owner, row) for row in rows]
