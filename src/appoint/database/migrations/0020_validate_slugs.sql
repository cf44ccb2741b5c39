-- Check existing slugs too. This reads the clinics without blocking changes to them.
alter table clinic validate constraint clinic_slug_is_no_number;
