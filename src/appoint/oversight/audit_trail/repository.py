"""SQL for the audit log's subjects."""

from collections.abc import Sequence
from uuid import UUID

from ...customers.model import SearchTerms
from ...database.pool import Statements


async def find_patients(db: Statements, *, clinic_id: int, terms: SearchTerms, limit: int) -> list[UUID]:
    """Return the ids of matching patients, including those who are not listed because they only ever cancelled."""
    rows = await db.fetch(
        """
        select p.customer_id
          from patient p
          join clinic_customer c on c.id = p.customer_id
         cross join lateral (select concat_ws(' ', c.words, folded(p.record_number)) as words) as searched
         where p.clinic_id = $1
           and ($2::text[] = '{}' or searched.words like all (array(select folded(word) from unnest($2) as word)))
           and ($4 = '%' or c.birth_date = any($3::date[]) or searched.words like folded($4))
         order by p.customer_id
         limit $5
        """,
        clinic_id,
        *terms,
        limit,
    )
    return [row.customer_id for row in rows]


async def list_patients_subjects(
    db: Statements, *, clinic_id: int, customer_ids: Sequence[UUID], limit: int
) -> list[str]:
    """Return the ids under which entries about the patients are listed: their own, those of the records joined with
    theirs, and those of their latest appointments and bookings."""
    rows = await db.fetch(
        """
        with records as (
          select customer_id
            from patient
           where clinic_id = $1 and (customer_id = any($2) or main_id = any($2))
        ), visits as (
          select id, booking_id
            from appointment
           where clinic_id = $1 and customer_id in (select customer_id from records)
           order by during desc
           limit $3
        )
        select customer_id::text as subject from records
         union
        select subject::text
          from visits
         cross join lateral (values (id), (booking_id)) as ids (subject)
        """,
        clinic_id,
        customer_ids,
        limit,
    )
    return [row.subject for row in rows]
