-- On every invoice line, net plus tax equals gross, and price times quantity less the discount equals net or gross.
select invoice_id || ' line ' || position as subject
  from invoice_line
 where clinic_id = :clinic_id
   and not (gross = net + tax and tax >= 0
            and quantity * unit_amount - discount_amount = case when includes_tax then gross else net end)
 limit :limit
