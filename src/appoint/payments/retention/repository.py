"""SQL for retention."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from ...database.pool import Statements, affected


async def delete_unsuccessful_payments(db: Statements, *, before: datetime) -> int:
    """Delete card payments that failed or were cancelled, unless something refers to them. Return how many
    there were."""
    tag = await db.execute(
        """
        delete from payment p
         where p.status in ('failed', 'cancelled') and p.method = 'card' and p.number is null and p.updated_at < $1
           and not exists (select from transfer t where t.clinic_id = p.clinic_id and t.payment_id = p.id)
           and not exists (select from refund r where r.clinic_id = p.clinic_id and r.payment_id = p.id)
           and not exists (select from allocation a where a.clinic_id = p.clinic_id and a.payment_id = p.id)
        """,
        before,
    )
    return affected(tag)


class InvoiceRetention(NamedTuple):
    """A clinic that has issued invoices to a customer, and the last day on which it has to keep any of them."""

    clinic: str
    until: date


async def list_retentions(db: Statements, *, customer_id: UUID, default_years: int) -> list[InvoiceRetention]:
    """Return how long clinics have to keep a customer's invoices and credit notes, ordered by clinic."""
    rows = await db.fetch(
        """
        select c.name, make_date(max(extract(year from i.issued_at at time zone c.time_zone))::integer
                                 + coalesce(p.retain_invoices_years, $2), 12, 31) as until
          from invoice i
          join clinic c on c.id = i.clinic_id
          left join payment_policy p on p.clinic_id = c.id and p.appointment_type_id is null
         where i.customer_id = $1 and i.status = 'issued'
         group by c.id, p.retain_invoices_years
         order by c.name, c.id
        """,
        customer_id,
        default_years,
    )
    return [InvoiceRetention(*row) for row in rows]


async def redact_documents(db: Statements, *, default_years: int, now: datetime, limit: int) -> int:
    """Remove personal data from documents that are older than their clinic's retention period, which begins at the end
    of the year of issue. Process at most `limit` invoices and receipts of each clinic, and return how many there
    were."""
    return await db.fetchval(
        """
        select coalesce(sum(redact_documents(c.id, make_timestamptz(
                 extract(year from $1::timestamptz at time zone c.time_zone)::integer
                   - coalesce(p.retain_invoices_years, $2),
                 1, 1, 0, 0, 0, c.time_zone), $3)), 0)::integer
          from clinic c
          left join payment_policy p on p.clinic_id = c.id and p.appointment_type_id is null
        """,
        now,
        default_years,
        limit,
    )
