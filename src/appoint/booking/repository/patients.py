"""Read the facts that decide which patients a doctor sees."""

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
        "select customer_id, birth_date, is_known from patient_facts($1, $2)",
        clinic_id,
        customer_ids,
    )
    return {row.customer_id: PatientFacts(row.birth_date, row.is_known) for row in rows}
