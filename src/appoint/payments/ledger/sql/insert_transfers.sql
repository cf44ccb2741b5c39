-- Write transfers, and open the accounts that they use for the first time.
with entry as (
  select * from unnest(:transfers::new_transfer[]) with ordinality
), opened as (
  insert into account (clinic_id, name, currency)
  select distinct :clinic_id::integer, used.name, e.currency
    from entry e
   cross join lateral (values (e.debit), (e.credit)) as used (name)
   order by 2, 3
  on conflict do nothing
)
insert into transfer (clinic_id, id, stage, rule, debit, credit, currency, amount, customer_id, invoice_id, payment_id,
                      allocation_id, refund_id, reference, resolves_id)
select :clinic_id, id, stage, rule, debit, credit, currency, amount, customer_id, invoice_id, payment_id, allocation_id,
       refund_id, reference, resolves_id
  from entry
 order by ordinality
