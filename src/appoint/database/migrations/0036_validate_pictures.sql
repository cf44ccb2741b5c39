-- No row has a picture yet, so this only reads the tables.
alter table clinic validate constraint clinic_logo;
alter table clinic validate constraint clinic_photo;
alter table doctor validate constraint doctor_portrait;
