"""Read what decides whom a doctor sees."""

from collections.abc import Sequence
from uuid import UUID

from ...clinics.audience import PatientFacts
from ...database.pool import Statements


async def find_patient_facts(
    db: Statements, *, clinic_id: int, customer_ids: Sequence[UUID]
) -> dict[UUID, PatientFacts]:
    """Return each customer's birth date, as the clinic knows it, and whether they are already its patient. Omit unknown
    customers."""
    rows = await db.fetch(
        """
        select c.id, coalesce(p.corrected_birth_date, c.birth_date) as birth_date,
               case when p.customer_id is not null then true end as is_known
          from customer c
          left join patient p on p.clinic_id = $1 and p.customer_id = c.id
         where c.id = any($2)
        """,
        clinic_id,
        customer_ids,
    )
    return {row.id: PatientFacts(row.birth_date, row.is_known) for row in rows}
