-- Check existing appointments too. This reads them without blocking changes to them.
alter table appointment validate constraint is_patient;
