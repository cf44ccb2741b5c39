-- Find clinics by place, and by what people type: a clinic's name, a doctor, a specialty or a reason for the visit.
alter table clinic
  add column latitude double precision,
  add column longitude double precision
    constraint clinic_location check ((latitude is null) = (longitude is null)
                                      and latitude between -90 and 90 and longitude between -180 and 180);

-- These tables have thousands of rows at most, so building an index takes less than a second.
-- squawk-ignore require-concurrent-index-creation
create index if not exists clinic_spellings on clinic using gin (spellings(name) gin_trgm_ops) where active;
-- squawk-ignore require-concurrent-index-creation
create index if not exists doctor_spellings on doctor
  using gin (spellings(name || ' ' || coalesce(specialty, '')) gin_trgm_ops) where active;
-- squawk-ignore require-concurrent-index-creation
create index if not exists doctor_specialty_codes on doctor using gin (specialties) where active;
-- squawk-ignore require-concurrent-index-creation
create index if not exists appointment_type_spellings on appointment_type
  using gin (spellings(name) gin_trgm_ops) where active;
