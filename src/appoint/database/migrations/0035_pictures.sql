-- Clinics' logos and photos and doctors' portraits, encoded by Appoint. Their hashes are in their addresses.
create table image (
  -- No foreign key to the clinic, because clinics refer to their images.
  clinic_id integer not null,
  hash text not null,
  content bytea not null
    constraint image_size check (octet_length(content) between 1 and 524288)
    constraint image_is_webp check (substring(content from 1 for 4) = 'RIFF' and substring(content from 9 for 4) = 'WEBP'),
  created_at timestamptz not null default now(),
  primary key (clinic_id, hash),
  constraint image_hash check (hash = encode(sha256(content), 'hex'))
);
grant select, insert, delete on image to appoint_server, appoint_across;

alter table clinic
  add column logo_hash text,
  add column photo_hash text,
  add constraint clinic_logo foreign key (id, logo_hash) references image (clinic_id, hash) not valid,
  add constraint clinic_photo foreign key (id, photo_hash) references image (clinic_id, hash) not valid;
alter table doctor
  add column portrait_hash text,
  add constraint doctor_portrait foreign key (clinic_id, portrait_hash) references image (clinic_id, hash) not valid;
