-- Each webhook gets one delivery per event.
select id::text as subject
  from (select id, count(*) over (partition by webhook_id, event_id) as times
          from webhook_delivery
         where clinic_id = :clinic_id) as each
 where times > 1
 limit :limit
