-- On every line of an invoice, net and tax make gross, and price times quantity less discount makes net or gross.
select invoice_id || ' line ' || position as subject
  from invoice_line
 where clinic_id = :clinic_id
   and not (gross = net + tax and tax >= 0
            and quantity * unit_amount - discount_amount = case when includes_tax then gross else net end)
 limit :limit
