-- An appointment's events number its changes without gaps, and never beyond its current version.
-- Erasing notes is a change without an event, so erased customers and clinics with a retention period are left out.
select a.id::text as subject
  from (select subject_id, min(subject_version) as first, max(subject_version) as last,
               count(distinct subject_version) as versions
          from (select subject_id, subject_version from event where clinic_id = :clinic_id
                 union all
                select subject_id, subject_version from event_log where clinic_id = :clinic_id) as each
         group by subject_id) as known
  join appointment a on a.clinic_id = :clinic_id and a.id::text = known.subject_id
  join customer c on c.id = a.customer_id
  join clinic k on k.id = a.clinic_id
 where known.last > a.version
    or known.last - known.first + 1 <> known.versions and c.erased_at is null and k.retain_patients_months is null
 limit :limit
