-- Return the steps by staff that events report, or whose undo they report. For an undo, return whether a message about
-- the step has gone out and, if the step made an earlier message outdated before it was sent, that message.
select e.id as event_id, s.taken_at + :held_for::interval as held_until, s.undone_version = e.version as is_undo,
       s.undone_version = e.version
       and exists (select
                     from notification n
                    where n.clinic_id = e.clinic_id and n.subject_id = e.subject_id and n.sequence = s.sequence + 1
                      and n.kind in ('confirmation', 'moved', 'cancelled')
                      and (n.status in ('leased', 'sent') or n.sent_at is not null)) as was_announced,
       case when last.unsent then last.kind end as unsent_kind,
       case when last.unsent and last.kind = 'moved' then last.event_id end as unsent_event_id
  from unnest(:clinic_ids::int[], :event_ids::uuid[], :subject_ids::text[], :versions::int[])
       as e (clinic_id, id, subject_id, version)
  join appointment_step s
    on s.clinic_id = e.clinic_id and s.appointment_id = e.subject_id::uuid
   and e.version in (s.version, s.undone_version)
  left join lateral (  -- the last message that informed the customer, or should have, about the time before the step
    select n.kind, n.event_id,
           bool_and(n.status = 'superseded' and n.reason = 'the appointment has changed' and n.sent_at is null
                    and n.round = 0) as unsent
      from notification n
     where n.clinic_id = e.clinic_id and n.subject_id = e.subject_id and n.sequence <= s.sequence
       and n.kind in ('confirmation', 'moved') and s.undone_version = e.version
     group by n.sequence, n.kind, n.event_id
     order by n.sequence desc
     limit 1) as last on true
