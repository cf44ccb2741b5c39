-- The demo clinic opens its waiting room early.
update call_settings set opens_before_minutes = 30, phone = '+493012345678' where clinic_id = 1;
