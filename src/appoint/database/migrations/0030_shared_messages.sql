-- Notifications of the same kind to the same address can go out in one message.

alter table notification
  -- Notifications with the same key and channel that are due at the same time share a message. The key consists of the
  -- kind and a recipient. Null if the notification always has a message of its own.
  add column if not exists message_key text,
  -- The notification whose message this one shares. Null if it has its own.
  add column if not exists leader_id uuid;

alter table notification
  -- The column is still null in every row.
  -- squawk-ignore constraint-missing-not-valid
  add constraint notification_follows_another check (leader_id <> id);

-- Contains only unsent notifications, so it is small and quickly created.
-- squawk-ignore require-concurrent-index-creation
create index if not exists notification_shared
  on notification (clinic_id, message_key, channel)
  where message_key is not null and status in ('queued', 'leased');

-- For delivery reports. Empty at first.
-- squawk-ignore require-concurrent-index-creation
create index if not exists notification_followers on notification (clinic_id, leader_id) where leader_id is not null;

-- A clinic's patients, without those whose only appointments were cancelled. `offset 0` stops the planner from reading
-- all appointments first.
create view listed_patient with (security_invoker = true) as
  select p.*
    from patient p
   where p.record_number is not null
      or p.notes is not null
      or exists (select from appointment a
                  where a.clinic_id = p.clinic_id and a.customer_id = p.customer_id
                    and a.status not in ('pending', 'cancelled')
                 offset 0)
      or exists (select from appointment a
                  where a.clinic_id = p.clinic_id and a.booker_id = p.customer_id
                    and a.status not in ('pending', 'cancelled')
                 offset 0)
      or exists (select  -- under another record of the same person
                   from patient o
                   join appointment a on a.clinic_id = o.clinic_id and a.customer_id = o.customer_id
                  where o.clinic_id = p.clinic_id and o.main_id = p.main_id
                    and a.status not in ('pending', 'cancelled')
                 offset 0)
      -- the clinic has kept the record for longer than its appointments
      or not exists (select from appointment a
                      where a.clinic_id = p.clinic_id
                        and (a.customer_id = p.customer_id or a.booker_id = p.customer_id)
                     offset 0);
grant select on listed_patient to appoint_server, appoint_across;
