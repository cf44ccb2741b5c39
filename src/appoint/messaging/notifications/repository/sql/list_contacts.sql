select e.id as event_id, to_.recipient, to_.recipient_id, to_.channel, c.time_zone, c.quiet_from, c.quiet_until,
       to_.address,
       (select upper(a.during)
          from appointment a
          join appointment_type t on t.clinic_id = e.clinic_id and t.id = a.appointment_type_id and t.mode = 'online'
         where a.clinic_id = e.clinic_id and a.id = e.appointment_id) as joinable_until
  from unnest(:clinic_ids::int[], :event_ids::uuid[], :customer_ids::uuid[], :news::bool[], :appointment_ids::uuid[])
       as e (clinic_id, id, customer_id, is_news, appointment_id)
  join clinic c on c.id = e.clinic_id
 cross join lateral (
   select 'customer' as recipient, w.recipient_id::text as recipient_id, w.channel,
          case w.channel when 'email' then coalesce(o.corrected_email, cu.email)
                         else coalesce(o.corrected_phone, cu.phone) end as address
     from clinic_recipient w
     join customer cu on cu.id = w.recipient_id
     left join patient o on o.clinic_id = e.clinic_id and o.customer_id = cu.id
    where w.clinic_id = e.clinic_id and w.customer_id = e.customer_id
   union all
   (select 'customer', cu.id::text, way.channel,
           case way.channel when 'email' then coalesce(o.corrected_email, cu.email)
                            else coalesce(o.corrected_phone, cu.phone) end
      -- on the other channel, or else on the one that was turned off
      from customer cu
     left join patient o on o.clinic_id = e.clinic_id and o.customer_id = cu.id
     cross join lateral (values ('email', coalesce(o.corrected_email, cu.email) is not null),
                                ('sms', coalesce(o.corrected_phone, cu.phone) is not null))
                          as way (channel, possible)
      left join notification_preference p on p.customer_id = cu.id and p.channel = way.channel
     where cu.id = e.customer_id and cu.active and e.is_news and way.possible and way.channel = any(:channels)
       and not exists (
         select from clinic_channel w
          where w.clinic_id = e.clinic_id and w.customer_id = cu.id and w.channel = any(:channels))
     order by coalesce(p.wanted, true) desc, way.channel
     limit 1)
   union all
   select 'staff', c.id::text, 'email', c.email where c.email is not null and e.customer_id is null
   union all
   select 'doctor', d.id::text, 'email', d.email
     from appointment a
     join doctor d on d.clinic_id = e.clinic_id and d.id = a.doctor_id
    where a.clinic_id = e.clinic_id and a.id = e.appointment_id and e.customer_id is null
      and d.email is not null and d.active
   union all
   select 'user', u.id::text, 'email', u.email
     from membership m
     join app_user u on u.id = m.user_id and u.active and u.disabled_at is null
    where m.clinic_id = c.id and m.role = 'manager' and m.disabled_at is null
      and c.email is null and e.customer_id is null) as to_
 where to_.channel = any(:channels)
