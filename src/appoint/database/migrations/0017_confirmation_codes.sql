-- Strangers can only hold times. A hold becomes a booking once the booker confirms the address for the confirmation.

alter table clinic
  add column confirm_address text not null default 'always',
  -- The check scans a small table.
  -- squawk-ignore constraint-missing-not-valid
  add constraint clinic_confirm_address check (confirm_address in ('always', 'never'));

-- When the customer proved that messages to this address reach them. Cleared when the address changes.
alter table customer
  add column email_confirmed_at timestamptz,
  add column phone_confirmed_at timestamptz;

-- The code that turns a stranger's held appointments into booked ones. Only the message contains the code itself.
create table confirmation_code (
  clinic_id integer not null,
  booking_id uuid not null,
  customer_id uuid not null,  -- who receives it: the booker
  customer_version integer not null,  -- a changed customer may have a different address
  number smallint not null default 1 constraint confirmation_code_number check (number > 0),  -- of the latest code
  attempts smallint not null default 0 constraint confirmation_code_attempts check (attempts between 0 and 5),
  created_at timestamptz not null default now(),
  confirmed_at timestamptz,
  primary key (clinic_id, booking_id),
  constraint confirmation_code_booking_of_clinic check (clinic_of(booking_id) = clinic_id),
  constraint confirmation_code_customer foreign key (customer_id) references customer (id) on delete cascade
);
create index confirmation_code_by_customer on confirmation_code (customer_id);
grant select, insert, update, delete on confirmation_code to appoint_across;
grant select, insert on confirmation_code to appoint_server;

-- Deleting a confirmed person's duplicate record also deletes the copies of its messages in the development mailbox.
alter table dev_message
  -- squawk-ignore ban-drop-constraint
  drop constraint dev_message_customer,
  -- The table is empty outside development.
  -- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
  add constraint dev_message_customer foreign key (customer_id) references customer (present_id) on delete cascade;

-- The server cannot see addresses when it books. These two functions return only what the response contains.

-- Returns a customer's email address, or otherwise their phone number, with most of it masked.
create function masked_address(customer_id uuid) returns text language sql stable strict security definer
  begin atomic
    select coalesce(left(c.email, 1) || '•••@' || split_part(c.email, '@', -1),
                    left(c.phone, 3) || '•••' || right(c.phone, 2))
      from customer c
     where c.id = masked_address.customer_id and c.active;
  end;
revoke execute on function masked_address from public;
grant execute on function masked_address to appoint_server, appoint_across;

-- Returns whether messages to the booker also reach the customer, or whether the customer cannot receive any.
create function shares_address(customer_id uuid, booker_id uuid) returns boolean
  language sql stable strict security definer
  begin atomic
    select coalesce(bool_or(coalesce(lower(b.email), b.phone)
                            = coalesce(lower(c.email), c.phone, lower(b.email), b.phone)),
                    false)
      from customer b, customer c
     where b.id = shares_address.booker_id and c.id = shares_address.customer_id and b.active;
  end;
revoke execute on function shares_address from public;
grant execute on function shares_address to appoint_server, appoint_across;
