-- A slug is never a number, because the URL of a clinic's page contains either the slug or the number.

-- A numeric slug may have taken over the page of the clinic with that number.
update clinic
   set slug = case when length(slug) <= 90 and not exists (select from clinic o where o.slug = 'clinic-' || clinic.slug)
                   then 'clinic-' || slug end,
       version = version + 1, updated_at = now()
 where slug ~ '^[0-9]+$';

alter table clinic add constraint clinic_slug_is_no_number check (slug !~ '^[0-9]+$') not valid;
