select n.id, n.clinic_id, n.kind, n.subject_id, n.sequence, n.recipient, n.recipient_id, n.channel, n.urgent,
       n.expires_at, n.created_at, n.attempts, n.round, n.reason,
       c.name as clinic, c.phone as clinic_phone, c.email as clinic_email, c.address as clinic_address,
       c.active as clinic_active,
       c.profile ->> 'colour' as clinic_colour, c.profile ->> 'website' as clinic_website,
       c.profile ->> 'mapUrl' as clinic_map_url, c.logo_hash as clinic_logo_hash,
       c.profile ->> 'privacyUrl' as clinic_privacy_url, c.profile ->> 'imprintUrl' as clinic_imprint_url,
       c.time_zone, c.quiet_from, c.quiet_until, c.cancel_notice_minutes, c.change_grace_minutes,
       a.booking_id, a.created_at as booked_at, a.status as appointment_status, a.sequence as appointment_sequence,
       a.link_number,
       lower(a.during) as start_time, upper(a.during) as end_time, a.hold_expires_at,
       (e.data ->> 'oldStartTime')::timestamptz as old_start_time, od.name as old_doctor, e.type as event_type,
       case when a.status <> 'cancelled' then null when a.undo_status is null then 'patient' else 'clinic'
            end as cancelled_by,
       case when a.undo_status is not null then a.cancel_reason end as cancel_reason,
       coalesce(a.needs_rebooking, false) as needs_rebooking, a.rebook_by,
       t.name as type, t.preparation, coalesce(t.mode, 'inPerson') as mode,
       case when t.mode = 'online' and coalesce(calls.gateway, :default_gateway::text) <> 'off'
            then coalesce(calls.opens_before_minutes, 15) end as opens_before_minutes,
       coalesce(pt.corrected_name, cu.name) as customer, cu.version as customer_version,
       case n.channel
            when 'email' then coalesce(moved.old_address, old.address, s.new_address,
                                       case when g.id is not null then cu.email end, pt.corrected_email, cu.email)
            end as customer_email,
       case n.channel
            when 'sms' then coalesce(moved.old_address, old.address, s.new_address,
                                     case when g.id is not null then cu.phone end, pt.corrected_phone, cu.phone)
            end as customer_phone,
       corrected.details as corrected_details, moved.created_at as address_changed_at,
       coalesce(gp.corrected_name, guardian.name) as guardian, g.ends_on as guardian_until,
       coalesce(wp.corrected_name, ward.name) as patient,
       cu.time_zone as customer_time_zone, cu.active as customer_active, cu.updated_at as customer_updated_at,
       case when n.clinic_id = 0
            then exists (select from customer_channel w where w.customer_id = cu.id and w.channel = n.channel)
            else exists (select from clinic_channel w
                          where w.clinic_id = n.clinic_id and w.customer_id = cu.id and w.channel = n.channel)
            end as wanted,
       a.doctor_id, d.name as doctor, d.email as doctor_email, d.active as doctor_active,
       u.name as user, u.email as user_email, u.credentials as user_credentials,
       u.password_hash is not null as user_has_password, s.used_at as code_used_at,
       coalesce(h.description, split_part(h.url, '?', 1)) as webhook,
       coalesce(pt.corrected_locale, cu.locale, u.locale, s.locale, c.locale, 'en') as locale,
       coalesce(cu.region, u.region) as region,
       m.subject as own_subject, m.text as own_text,
       case when n.kind = 'hold-expired'
            then exists (select
                           from customer same
                           join appointment later
                             on later.clinic_id = n.clinic_id and later.customer_id = same.id
                            and later.created_at > a.created_at and later.active_during is not null
                          where same.active and (lower(same.email) = lower(cu.email) or same.phone = cu.phone))
                 or exists (select
                              from customer same
                              join notification earlier
                                on earlier.clinic_id = n.clinic_id and earlier.kind = n.kind
                               and earlier.recipient = 'customer' and earlier.recipient_id = same.id::text
                               and earlier.sent_at > now() - interval '24 hours'
                             where same.active and (lower(same.email) = lower(cu.email) or same.phone = cu.phone))
            else false end as hold_settled,
       case when exists (select from stranger_appointment o where o.clinic_id = n.clinic_id and o.appointment_id = a.id)
            then (select count(distinct coalesce(earlier.leader_id, earlier.id))
                    from (select id from customer
                           where n.channel = 'email' and active and lower(email) = lower(cu.email)
                           union all
                          select id from customer where n.channel = 'sms' and active and phone = cu.phone) as same
                    join notification earlier
                      on earlier.recipient = 'customer' and earlier.recipient_id = same.id::text
                     and earlier.channel = n.channel and earlier.sent_at > now() - interval '24 hours')
            else 0 end as sent_today
  from notification n
  left join clinic c on c.id = n.clinic_id
  left join appointment a
    on a.clinic_id = n.clinic_id
   and a.id = case when n.recipient = 'customer' or n.kind like 'call-failed%' then n.subject_id::uuid end
  left join appointment_type t on t.clinic_id = n.clinic_id and t.id = a.appointment_type_id
  left join call_settings calls on calls.clinic_id = n.clinic_id
  left join customer cu on cu.id = case when n.recipient = 'customer' then n.recipient_id::uuid end
  left join patient pt on pt.clinic_id = n.clinic_id and pt.customer_id = cu.id
  left join customer ward on ward.id = a.customer_id and ward.id <> cu.id
  left join patient wp on wp.clinic_id = n.clinic_id and wp.customer_id = ward.id
  left join lateral (  -- what staff corrected
    select array_agg(k.detail order by k.detail) as details
      from patient_correction k
     where k.clinic_id = n.clinic_id
       and k.id = case when n.kind like 'details-corrected%' then n.subject_id::uuid end) as corrected on true
  left join lateral (  -- the address before the correction
    select k.old_value as address
      from patient_correction k
     where k.clinic_id = n.clinic_id
       and k.id = case when n.kind = 'details-corrected-1' then n.subject_id::uuid end
       and k.detail = case n.channel when 'email' then 'email' else 'phone' end) as old on true
  left join guardianship g
    on g.id = case when n.kind in ('guardian-added', 'guardian-ended') then n.subject_id::uuid end
  left join customer guardian on guardian.id = g.guardian_id
  left join patient gp on gp.clinic_id = n.clinic_id and gp.customer_id = guardian.id
  left join address_change moved on moved.id = case when n.kind = 'address-changed' then n.subject_id::uuid end
  left join doctor d
    on d.clinic_id = n.clinic_id
   and d.id = coalesce(a.doctor_id, case when n.recipient = 'doctor' then n.recipient_id::uuid end)
  left join event_log e on e.clinic_id = n.clinic_id and e.id = n.event_id
  left join doctor od
    on od.clinic_id = n.clinic_id and od.id = (e.data ->> 'oldDoctorId')::uuid and od.id <> a.doctor_id
  left join message_template m
    on m.clinic_id = n.clinic_id and m.kind = regexp_replace(n.kind, '-[0-9]+$', '')
   and m.channel = n.channel and m.locale = coalesce(pt.corrected_locale, cu.locale, c.locale)
  left join webhook h
    on h.clinic_id = n.clinic_id and h.id = case when n.kind = 'webhook-disabled' then n.subject_id::uuid end
  left join app_user u
    on u.id = case when n.recipient = 'user' then n.recipient_id::uuid end and u.active and u.disabled_at is null
  left join sign_in_code s on s.id = case when n.kind in ('sign-in-code', 'address-code') then n.subject_id::uuid end
 where n.clinic_id = :clinic_id and n.id = any(:ids)
   and (:attempts::integer is null
        or n.status = 'leased'
           and case n.id when :notification_id then n.attempts = :attempts else n.leader_id = :notification_id end)
 order by n.id <> :notification_id, n.id
