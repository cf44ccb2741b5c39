"""Owners of invoices and payments, for authorization."""

from uuid import UUID

from ..database.pool import Database, to
from ..http.ownership import Owner


async def owners_of_invoice(db: Database, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return the customer of an issued invoice or credit note. Customers don't see drafts."""
    rows = await db.within(clinic_id).fetch(  # row-level security would otherwise hide it
        """
        select null::uuid as doctor_id, customer_id
          from invoice
         where clinic_id = $1 and id = $2 and status = 'issued'
        """,
        clinic_id,
        id,
    )
    return [to(Owner, row) for row in rows]


async def owners_of_payment(db: Database, *, clinic_id: int, id: UUID) -> list[Owner]:
    """Return the customer who made a payment."""
    rows = await db.within(clinic_id).fetch(
        "select null::uuid as doctor_id, customer_id from payment where clinic_id = $1 and id = $2", clinic_id, id
    )
    return [to(Owner, row) for row in rows]
