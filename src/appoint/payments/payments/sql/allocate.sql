-- Pay an invoice or make a refund with a payment's free cents, lowest first, up to an amount. Returns the allocations.
--
-- Both sides consist of pieces. `start` counts a side's cents from its first piece, so pieces that overlap in this
-- count belong together, and each overlap becomes an allocation.
with spent as materialized (
  select range_agg(of_payment) as cents
    from allocation
   where clinic_id = :clinic_id and payment_id = :payment_id and undone_at is null
), paid as materialized (
  select range_agg(of_invoice) as cents
    from allocation
   where clinic_id = :clinic_id and invoice_id = :invoice_id and undone_at is null
), free as (
  select lower(piece) as lower, (upper(piece) - lower(piece))::bigint as size,
         (sum(upper(piece) - lower(piece)) over (order by piece) - (upper(piece) - lower(piece)))::bigint as start
    from payment p
   cross join spent
   cross join lateral unnest(int8multirange(p.whole) - coalesce(spent.cents, '{}')) as piece
   where p.clinic_id = :clinic_id and p.id = :payment_id
), due as (
  select lower(piece) as lower, (upper(piece) - lower(piece))::bigint as size,
         (sum(upper(piece) - lower(piece)) over (order by piece) - (upper(piece) - lower(piece)))::bigint as start
    from (select i.payable as whole from invoice i where i.clinic_id = :clinic_id and i.id = :invoice_id
           union all
          select r.whole from refund r where r.clinic_id = :clinic_id and r.id = :refund_id) as target
   cross join paid
   cross join lateral unnest(int8multirange(target.whole) - coalesce(paid.cents, '{}')) as piece
), piece as (
  select greatest(f.start, d.start) as start,
         least(f.start + f.size, d.start + d.size, :amount::bigint) as until,
         f.lower - f.start as of_payment, d.lower - d.start as of_target
    from free f
    join due d on f.start < d.start + d.size and d.start < f.start + f.size
   where greatest(f.start, d.start) < :amount
)
insert into allocation (clinic_id, id, actor, payment_id, invoice_id, refund_id, currency, amount, of_payment,
                        of_target)
select :clinic_id, mint_id(:clinic_id), :actor, :payment_id, :invoice_id, :refund_id, :currency, until - start,
       int8range(of_payment + start, of_payment + until), int8range(of_target + start, of_target + until)
  from piece
 order by start
on conflict do nothing
returning id, amount
