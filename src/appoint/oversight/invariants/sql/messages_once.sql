-- No recipient gets the same message twice on the same channel.
select id::text as subject
  from (select id, count(*) over (partition by subject_id, sequence, kind, recipient, recipient_id, channel) as times
          from notification
         where clinic_id = :clinic_id) as each
 where times > 1
 limit :limit
