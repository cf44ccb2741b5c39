-- Return a clinic's entries with ids in [:since, :before), sealed or not, newest first: one more than the limit if
-- there are more.
(select id, at, actor, action, subjects, address, request_id, reason, null::bigint as position, null::bytea as hash
   from audit_unsealed
  where clinic_id = :clinic_id and id >= :since and id < :before
    and (:start::timestamptz is null or at >= :start) and (:end::timestamptz is null or at < :end)
    and (:actor::text is null or actor = :actor or starts_with(actor, :actor || ':'))
    and (:actions::text[] is null or action = any(:actions)) and action <> all(:without::text[])
    and (:subjects::text[] is null or subjects && :subjects)
  order by id desc
  limit :limit + 1)
union all
(select id, at, actor, action, subjects, address, request_id, reason, position, hash
   from audit_entry
  where clinic_id = :clinic_id and id >= :since and id < :before
    and (:start::timestamptz is null or at >= :start) and (:end::timestamptz is null or at < :end)
    and (:actor::text is null or actor = :actor or starts_with(actor, :actor || ':'))
    and (:actions::text[] is null or action = any(:actions)) and action <> all(:without::text[])
    and (:subjects::text[] is null or subjects && :subjects)
  order by id desc
  limit :limit + 1)
 order by id desc
 limit :limit + 1
