"""SQL for the audit log's subjects."""

from collections.abc import Sequence
from uuid import UUID

from ...database.pool import Statements


async def list_patients_subjects(
    db: Statements, *, clinic_id: int, customer_ids: Sequence[UUID], limit: int
) -> list[str]:
    """Return the ids under which entries about the patients are listed: their own, and those of their latest
    appointments and bookings."""
    rows = await db.fetch(
        """
        with visits as (
          select id, booking_id
            from appointment
           where clinic_id = $1 and customer_id = any($2)
           order by during desc
           limit $3
        )
        select distinct subject::text as subject
          from visits
         cross join lateral (values (id), (booking_id)) as ids (subject)
        """,
        clinic_id,
        customer_ids,
        limit,
    )
    return [*map(str, customer_ids), *(row.subject for row in rows)]
