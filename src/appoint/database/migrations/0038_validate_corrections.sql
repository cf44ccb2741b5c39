-- The columns were new, so this only reads the table.
alter table patient validate constraint patient_corrected_name;
alter table patient validate constraint patient_corrected_phone;
alter table patient validate constraint patient_corrected_locale;
alter table patient validate constraint patient_joined;
