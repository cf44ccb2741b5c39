"""An issued invoice, a payment of part of it, a refund and a coupon, for tests that call all operations."""

from typing import Any, Final

from appoint.database.pool import Database

MONEY_RECORDS: Final = """
with new_invoice as (
    insert into invoice (clinic_id, id, status, customer_id, currency, total, language, series, number,
                         issued_at, buyer, seller)
    values ($1, mint_id($1), 'issued', $2, 'EUR', 6000, 'en', $3, 1, now(), '{"name": "Ana"}', '{"name": "Lakeside"}')
    returning id
), new_line as (
    insert into invoice_line (clinic_id, invoice_id, position, invoice_status, description, unit_amount, includes_tax,
                              tax_category, tax_rate, net, tax, gross, first_cent)
    select $1, id, 1, 'issued', 'Check-up', 6000, true, 'Z', 0, 6000, 0, 6000, 0 from new_invoice
), new_series as (
    insert into number_series (clinic_id, series) values ($1, $3), ($1, 'R-' || $3)
), new_number as (
    insert into document_number (clinic_id, series, number, invoice_id) select $1, $3, 1, id from new_invoice
), new_payment as (
    insert into payment (clinic_id, id, method, status, customer_id, currency, amount, succeeded_at, series, number)
    values ($1, mint_id($1), 'cash', 'succeeded', $2, 'EUR', 5000, now(), 'R-' || $3, 1)
    returning id
), new_receipt_number as (
    insert into document_number (clinic_id, series, number, payment_id) select $1, 'R-' || $3, 1, id from new_payment
), new_allocation as (
    insert into allocation (clinic_id, id, actor, payment_id, invoice_id, currency, amount, of_payment, of_target)
    select $1, mint_id($1), 'user:rita', new_payment.id, new_invoice.id, 'EUR', 1000, '[0,1000)', '[0,1000)'
      from new_payment, new_invoice
    returning id
), new_refund as (
    insert into refund (clinic_id, id, payment_id, currency, amount, destination, status)
    select $1, mint_id($1), id, 'EUR', 1000, 'method', 'failed' from new_payment
    returning id
), new_coupon as (
    insert into coupon (clinic_id, id, code, percent) values ($1, mint_id($1), $3, 10)
    returning id
)
select new_invoice.id as "invoiceId", new_payment.id as "paymentId", new_allocation.id as "allocationId",
       new_refund.id as "refundId", new_coupon.id as "couponId"
  from new_invoice, new_payment, new_allocation, new_refund, new_coupon
"""


async def create_money_records(db: Database, clinic_id: int, customer_id: Any, series: str) -> dict[str, Any]:
    """Create a patient's financial records. Return their ids."""
    return dict(await db.fetchrow(MONEY_RECORDS, clinic_id, customer_id, series))
