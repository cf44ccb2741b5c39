-- Lock the bills of everything that was booked together, in the same order everywhere, and return the one that is due.
with bill as materialized (
  select b.appointment_id, b.due_at, b.settled_as
    from appointment one
    join appointment a on a.clinic_id = :clinic_id and a.booking_id = one.booking_id
    join appointment_bill b on b.clinic_id = :clinic_id and b.appointment_id = a.id
   where one.clinic_id = :clinic_id and one.id = :appointment_id
   order by b.appointment_id
     for update of b
)
select true from bill where appointment_id = :appointment_id and due_at <= :now
