-- The deposits that were paid for a booking, and how much of each has already been used for one of its appointments.
select p.id, p.amount, p.free, p.currency, p.method = 'card' as by_card,
       coalesce((select sum(a.amount)
                   from allocation a
                   left join refund r on r.clinic_id = :clinic_id and r.id = a.refund_id
                  where a.clinic_id = :clinic_id and a.payment_id = p.id and a.undone_at is null
                    and (r.appointment_id = :appointment_id
                         or exists (select
                                      from invoice_line l
                                     where l.clinic_id = :clinic_id and l.invoice_id = a.invoice_id
                                       and l.appointment_id = :appointment_id))), 0)::bigint as used
  from shown_payment p
 where p.clinic_id = :clinic_id and p.booking_id = :booking_id and p.status = 'succeeded' and p.deposit
 order by p.id
