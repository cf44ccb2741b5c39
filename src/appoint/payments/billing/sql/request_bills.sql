-- Have appointments billed soon that were booked with a coupon, or at clinics that charge by a policy.
insert into appointment_bill (clinic_id, appointment_id, due_at, ended_at)
select a.clinic_id, a.id, :due_at, requested.ended_at
  from unnest(:clinic_ids::integer[], :appointment_ids::uuid[], :ended_ats::timestamptz[])
       as requested (clinic_id, appointment_id, ended_at)
  join appointment a on a.clinic_id = requested.clinic_id and a.id = requested.appointment_id
 where exists (select from payment_policy p where p.clinic_id = requested.clinic_id)
    or exists (select
                 from coupon_use u
                where u.clinic_id = requested.clinic_id and u.active_appointment_id = requested.appointment_id)
 order by a.clinic_id, a.id
on conflict (clinic_id, appointment_id) do update set due_at = excluded.due_at, ended_at = excluded.ended_at
