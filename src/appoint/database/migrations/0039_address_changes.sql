-- Customers' former addresses, so that a message about the change can go there. Deleted after a few weeks.
create table address_change (
  id uuid primary key default uuidv7(),
  customer_id uuid not null,
  created_at timestamptz not null default now(),
  channel text not null,
  old_address text not null,
  constraint address_change_channel check (channel in ('email', 'sms')),
  constraint address_change_customer foreign key (customer_id) references customer (present_id) on delete cascade
);
create index address_change_by_customer on address_change (customer_id);
grant select, insert, delete on address_change to appoint_across;
