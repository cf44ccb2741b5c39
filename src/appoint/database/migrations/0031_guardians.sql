-- People can book for their children, and for others they care for.

create table guardianship (
  id uuid primary key default uuidv7(),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  guardian_id uuid not null,
  ward_id uuid not null,
  -- The clinic that granted it, which is the only one where it applies. Null if the guardian registered the ward; it
  -- then applies everywhere.
  granting_clinic_id integer,
  ends_on date not null,  -- the first day on which it no longer applies
  ended_at timestamptz,
  active_guardian_id uuid generated always as (case when ended_at is null then guardian_id end) stored,
  constraint guardianship_of_another check (guardian_id <> ward_id),
  constraint guardianship_once unique (granting_clinic_id, active_guardian_id, ward_id),
  constraint guardianship_guardian foreign key (guardian_id) references customer (present_id),
  constraint guardianship_ward foreign key (ward_id) references customer (present_id),
  constraint guardianship_clinic foreign key (granting_clinic_id) references clinic (id)
);
create index guardianship_by_guardian on guardianship (guardian_id);
create index guardianship_by_ward on guardianship (ward_id);
grant select, insert, update, delete on guardianship to appoint_across;

-- Who receives messages about a customer's appointments at a clinic, and how: the customer, and everyone who can book
-- for them there.
create view clinic_recipient as
  select clinic_id, customer_id, customer_id as recipient_id, channel from clinic_channel
   union all
  select w.clinic_id, g.ward_id, g.guardian_id, w.channel
    from guardianship g
    join clinic_channel w
      on w.customer_id = g.guardian_id and (g.granting_clinic_id is null or w.clinic_id = g.granting_clinic_id)
   where g.ended_at is null and g.ends_on > current_date;
grant select on clinic_recipient to appoint_across;
