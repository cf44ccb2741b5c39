-- Customers are at home in the cell that registered them. Another cell gets a copy when they book there.
create table customer_copy (  -- at home: the cells with a copy
  customer_id uuid not null constraint customer_copy_customer references customer,
  cell smallint not null constraint customer_copy_cell references cell,
  version integer not null constraint customer_copy_version check (version > 0),  -- the last that the cell has
  is_due boolean not null default false,  -- whether a later version has to be sent
  primary key (customer_id, cell)
);
create index customer_copy_due on customer_copy (customer_id) where is_due;

create table customer_home (  -- in the other cells: where the customer is at home
  customer_id uuid primary key constraint customer_home_customer references customer on delete cascade,
  cell smallint not null constraint customer_home_cell references cell,
  version integer not null constraint customer_home_version check (version > 0)  -- the last that arrived from there
);

-- People's contact details are only in `customer`, which has row security. These tables say only where copies are.
grant select on customer_copy, customer_home to appoint_server, appoint_across;
grant insert, update, delete on customer_copy, customer_home to appoint_across;
