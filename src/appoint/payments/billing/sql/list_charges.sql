-- The issued invoices that charge for an appointment: how much, net of credit notes, and how much is unpaid.
select i.id, greatest(0, line.gross - corrected.total)::bigint as billed, i.total - i.paid as open,
       exists (select
                 from allocation a
                 join payment p on p.clinic_id = :clinic_id and p.id = a.payment_id
                where a.clinic_id = :clinic_id and a.invoice_id = i.id and a.undone_at is null
                  and p.method = 'card') as by_card
  from (select l.invoice_id, sum(l.gross) as gross
          from invoice_line l
         where l.clinic_id = :clinic_id and l.appointment_id = :appointment_id
         group by l.invoice_id) as line
  join shown_invoice i on i.clinic_id = :clinic_id and i.id = line.invoice_id
 cross join lateral (select coalesce(sum(n.total), 0) as total
                       from invoice n
                      where n.clinic_id = :clinic_id and n.corrects_id = i.id and n.status = 'issued') as corrected
 where i.kind = 'invoice' and i.status = 'issued' and i.occasion is distinct from 'noShow'
   and i.occasion is distinct from 'cancellation'
 order by i.id
