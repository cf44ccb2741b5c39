-- Invoices, payments, refunds, coupons and the ledger.
--
-- Money is ranges, like time. An issued invoice is the range of cents from 0 up to its total, and so is a payment that
-- has succeeded. An allocation takes a range of a payment's cents and an equally long range of an invoice's. Temporal
-- constraints then ensure that no cent is spent or paid twice, and foreign keys with `period` that none is made up.
--
-- Amounts are in minor units. Amounts and ranges in one row agree because the ranges are generated.

-- How a clinic charges, or how it charges for one type. For a type, null means as at the clinic; for the clinic, null
-- means the default (payments/policies/model.py).
create table payment_policy (
  clinic_id integer not null,
  id uuid not null constraint payment_policy_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  appointment_type_id uuid,  -- null: for the clinic
  deposit_amount bigint constraint payment_policy_deposit_amount check (deposit_amount between 1 and 1000000000000),
  deposit_percent smallint constraint payment_policy_deposit_percent check (deposit_percent between 1 and 100),
  deposit_refund_minutes integer
    constraint payment_policy_deposit_refund check (deposit_refund_minutes between 0 and 525600),
  no_show_fee_amount bigint
    constraint payment_policy_no_show_fee check (no_show_fee_amount between 0 and 1000000000000),
  issues_fees boolean,  -- otherwise they stay drafts
  invoices_at text constraint payment_policy_invoices_at check (invoices_at in ('never', 'booking', 'visit')),
  refund_to text constraint payment_policy_refund_to check (refund_to in ('credit', 'method', 'ask')),
  prices_include_tax boolean,
  tax_category text constraint payment_policy_tax_category check (tax_category in ('S', 'Z', 'E', 'AE', 'O')),
  tax_rate integer constraint payment_policy_tax_rate check (tax_rate between 0 and 10000),  -- in basis points
  tax_reason text constraint payment_policy_tax_reason check (length(tax_reason) between 1 and 200),
  fee_tax_category text
    constraint payment_policy_fee_tax_category check (fee_tax_category in ('S', 'Z', 'E', 'AE', 'O')),
  fee_tax_rate integer constraint payment_policy_fee_tax_rate check (fee_tax_rate between 0 and 10000),
  series text constraint payment_policy_series check (series ~ '^[A-Z0-9-]{1,20}$'),
  payment_terms_days smallint constraint payment_policy_terms check (payment_terms_days between 0 and 365),
  retain_invoices_years smallint constraint payment_policy_retention check (retain_invoices_years between 1 and 30),
  primary key (clinic_id, id),
  constraint payment_policy_deposit check (num_nonnulls(deposit_amount, deposit_percent) <= 1),
  constraint payment_policy_once unique nulls not distinct (clinic_id, appointment_type_id),
  constraint payment_policy_clinic foreign key (clinic_id) references clinic (id),
  constraint payment_policy_type foreign key (clinic_id, appointment_type_id)
    references appointment_type (clinic_id, id)
);

-- The share of the price that a clinic keeps if a patient cancels less than this many minutes ahead. If several rows
-- apply, the one with the fewest minutes does.
create table cancellation_rule (
  clinic_id integer not null,
  policy_id uuid not null,
  before_minutes integer not null
    constraint cancellation_rule_before check (before_minutes between 1 and 525600),
  keep_percent smallint not null constraint cancellation_rule_keep check (keep_percent between 0 and 100),
  primary key (clinic_id, policy_id, before_minutes),
  constraint cancellation_rule_policy foreign key (clinic_id, policy_id)
    references payment_policy (clinic_id, id) on delete cascade
);

-- Giving out a series' next number locks its row.
create table number_series (
  clinic_id integer not null,
  series text not null constraint number_series_name check (series ~ '^[A-Z0-9-]{1,30}$'),
  primary key (clinic_id, series),
  constraint number_series_clinic foreign key (clinic_id) references clinic (id)
);

-- An invoice or a credit note. Row-level security stops the application from changing it once it is issued.
create table invoice (
  clinic_id integer not null,
  id uuid not null constraint invoice_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  kind text not null default 'invoice' constraint invoice_kind check (kind in ('invoice', 'creditNote')),
  corrects_id uuid,  -- the invoice that a credit note corrects
  status text not null default 'draft' constraint invoice_status check (status in ('draft', 'issued')),
  customer_id uuid not null,
  currency text not null constraint invoice_currency check (currency ~ '^[A-Z]{3}$'),
  total bigint not null default 0 constraint invoice_total check (total between 0 and 1000000000000),
  -- the cents that its lines explain
  whole int8range generated always as (case when status = 'issued' and total > 0 then int8range(0, total) end) stored,
  -- the cents that payments can pay
  payable int8range
    generated always as (case when status = 'issued' and kind = 'invoice' and total > 0 then int8range(0, total) end)
    stored,
  -- what a credit note is worth as a payment
  credited bigint generated always as (case when status = 'issued' and kind = 'creditNote' then total end) stored,
  language text not null constraint invoice_language check (language in ('en', 'de', 'es', 'fr')),
  note text constraint invoice_note check (length(note) <= 2000),
  appointment_id uuid,  -- of a draft that Appoint made, and why
  occasion text constraint invoice_occasion check (occasion in ('visit', 'noShow', 'cancellation')),
  -- set when it is issued, with copies of both parties' names and addresses as they were then
  series text,
  number integer,
  issued_at timestamptz,
  due_on date,
  buyer jsonb constraint invoice_buyer check (jsonb_typeof(buyer) = 'object'),
  seller jsonb constraint invoice_seller check (jsonb_typeof(seller) = 'object'),
  primary key (clinic_id, id),
  constraint invoice_issued check (num_nonnulls(series, number, issued_at, buyer, seller)
                                   = case status when 'issued' then 5 else 0 end),
  constraint invoice_corrects check ((kind = 'creditNote') = (corrects_id is not null)),
  constraint invoice_by_occasion check (num_nulls(appointment_id, occasion) in (0, 2)),
  constraint invoice_once unique (clinic_id, appointment_id, occasion),
  constraint invoice_with_status unique (clinic_id, id, status),
  constraint invoice_with_number unique (clinic_id, id, series, number),
  constraint invoice_with_credit unique (clinic_id, id, currency, credited),
  constraint invoice_whole unique (clinic_id, id, whole without overlaps),
  constraint invoice_payable unique (clinic_id, id, currency, payable without overlaps),
  constraint invoice_clinic foreign key (clinic_id) references clinic (id),
  constraint invoice_customer foreign key (customer_id) references customer (id),
  constraint invoice_appointment foreign key (clinic_id, appointment_id) references appointment (clinic_id, id),
  constraint invoice_corrected foreign key (clinic_id, corrects_id) references invoice (clinic_id, id)
);
create index invoice_by_time on invoice (clinic_id, issued_at, id);
create index invoice_by_customer on invoice (customer_id, clinic_id);
create index invoice_by_corrected on invoice (clinic_id, corrects_id) where corrects_id is not null;

create table coupon (
  clinic_id integer not null,
  id uuid not null constraint coupon_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  active boolean not null default true,
  removed_at timestamptz,
  code text not null constraint coupon_code check (code ~ '^[A-Z0-9](-?[A-Z0-9]){2,39}$'),
  active_code text generated always as (case when active then code end) stored,
  description text constraint coupon_description check (length(description) <= 200),
  percent smallint constraint coupon_percent check (percent between 1 and 100),
  amount bigint constraint coupon_amount check (amount between 1 and 1000000000000),
  valid tstzrange not null default '(,)' constraint coupon_validity check (not isempty(valid)),
  max_uses integer constraint coupon_max_uses check (max_uses > 0),
  max_uses_per_customer integer constraint coupon_max_uses_per_customer check (max_uses_per_customer > 0),
  -- every use takes one of these
  uses int4range generated always as (int4range(0, coalesce(max_uses, 2147483647))) stored,
  uses_per_customer int4range generated always as (int4range(0, coalesce(max_uses_per_customer, 2147483647))) stored,
  first_visit_only boolean not null default false,
  primary key (clinic_id, id),
  constraint coupon_discount check (num_nonnulls(percent, amount) = 1),
  constraint coupon_removed check (active = (removed_at is null)),
  constraint coupon_once unique (clinic_id, active_code),
  constraint coupon_uses unique (clinic_id, id, uses without overlaps),
  constraint coupon_uses_per_customer unique (clinic_id, id, uses_per_customer without overlaps),
  constraint coupon_clinic foreign key (clinic_id) references clinic (id)
);

-- The types that a coupon is for. A coupon without rows is for all types.
create table coupon_type (
  clinic_id integer not null,
  coupon_id uuid not null,
  appointment_type_id uuid not null,
  primary key (clinic_id, coupon_id, appointment_type_id),
  constraint coupon_type_of foreign key (clinic_id, coupon_id) references coupon (clinic_id, id) on delete cascade,
  constraint coupon_type_type foreign key (clinic_id, appointment_type_id) references appointment_type (clinic_id, id)
);

-- One use of a coupon. `use` and `customer_use` count from 0; once released, others can have them.
create table coupon_use (
  clinic_id integer not null,
  id uuid not null constraint coupon_use_id_of_clinic check (clinic_of(id) = clinic_id),
  created_at timestamptz not null default now(),
  released_at timestamptz,
  coupon_id uuid not null,
  customer_id uuid not null,
  appointment_id uuid,
  use integer not null constraint coupon_use_number check (use between 0 and 2147483646),
  customer_use integer not null constraint coupon_use_customer_number check (customer_use between 0 and 2147483646),
  taken int4range generated always as (case when released_at is null then int4range(use, use + 1) end) stored,
  taken_by_customer int4range
    generated always as (case when released_at is null then int4range(customer_use, customer_use + 1) end) stored,
  active_appointment_id uuid generated always as (case when released_at is null then appointment_id end) stored,
  primary key (clinic_id, id),
  constraint coupon_used_once unique (clinic_id, coupon_id, taken without overlaps),
  constraint coupon_used_once_by_customer
    unique (clinic_id, coupon_id, customer_id, taken_by_customer without overlaps),
  constraint coupon_use_per_appointment unique (clinic_id, active_appointment_id),
  constraint coupon_use_exists foreign key (clinic_id, coupon_id, period taken)
    references coupon (clinic_id, id, period uses),
  constraint coupon_use_of_customer foreign key (clinic_id, coupon_id, period taken_by_customer)
    references coupon (clinic_id, id, period uses_per_customer),
  constraint coupon_use_customer foreign key (customer_id) references customer (id),
  constraint coupon_use_appointment foreign key (clinic_id, appointment_id) references appointment (clinic_id, id)
);
create index coupon_use_by_coupon on coupon_use (clinic_id, coupon_id) where released_at is null;
create index coupon_use_by_customer on coupon_use (customer_id);

-- The lines of an invoice stand for consecutive ranges of its cents. Issuing it changes `invoice_status`, and so gives
-- every line its range; both foreign keys with `period` then check that the lines are the whole invoice and no more.
create table invoice_line (
  clinic_id integer not null,
  invoice_id uuid not null,
  position smallint not null constraint invoice_line_position check (position between 1 and 500),
  invoice_status text not null default 'draft',
  appointment_id uuid,
  coupon_use_id uuid,
  description text not null constraint invoice_line_description
    check (description ~ '\S' and length(description) <= 500),
  quantity integer not null default 1 constraint invoice_line_quantity check (quantity between 1 and 10000),
  unit_amount bigint not null constraint invoice_line_unit check (unit_amount between 0 and 1000000000000),
  discount_amount bigint not null default 0 constraint invoice_line_discount_amount check (discount_amount >= 0),
  includes_tax boolean not null,  -- whether the unit amount does
  tax_category text not null constraint invoice_line_tax_category check (tax_category in ('S', 'Z', 'E', 'AE', 'O')),
  tax_rate integer not null constraint invoice_line_tax_rate check (tax_rate between 0 and 10000),  -- in basis points
  tax_reason text constraint invoice_line_tax_reason check (length(tax_reason) between 1 and 200),
  net bigint not null,
  tax bigint not null constraint invoice_line_tax check (tax >= 0),
  gross bigint not null,
  first_cent bigint not null constraint invoice_line_first_cent check (first_cent >= 0),
  part int8range
    generated always as (case when invoice_status = 'issued' and gross > 0
                              then int8range(first_cent, first_cent + gross) end) stored,
  primary key (clinic_id, invoice_id, position),
  constraint invoice_line_discount check (discount_amount <= quantity * unit_amount),
  constraint invoice_line_taxed check ((tax_category = 'S') = (tax_rate > 0)),
  constraint invoice_line_gross check (gross = net + tax and gross >= 0),
  constraint invoice_line_price check (quantity * unit_amount - discount_amount
                                       = case when includes_tax then gross else net end),
  constraint invoice_line_once unique (clinic_id, invoice_id, part without overlaps),
  constraint invoice_line_of foreign key (clinic_id, invoice_id, invoice_status)
    references invoice (clinic_id, id, status) on update cascade on delete cascade,
  constraint invoice_line_within foreign key (clinic_id, invoice_id, period part)
    references invoice (clinic_id, id, period whole) deferrable initially deferred,
  constraint invoice_line_appointment foreign key (clinic_id, appointment_id) references appointment (clinic_id, id),
  constraint invoice_line_coupon_use foreign key (clinic_id, coupon_use_id) references coupon_use (clinic_id, id)
);
create index invoice_line_by_appointment on invoice_line (clinic_id, appointment_id) where appointment_id is not null;
alter table invoice
  add constraint invoice_explained foreign key (clinic_id, id, period whole)
    references invoice_line (clinic_id, invoice_id, period part) deferrable initially deferred;

create table payment (
  clinic_id integer not null,
  id uuid not null constraint payment_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  method text not null constraint payment_method
    check (method in ('card', 'cash', 'transfer', 'terminal', 'credit', 'goodwill', 'creditNote')),
  status text not null constraint payment_status check (status in ('pending', 'succeeded', 'failed', 'cancelled')),
  customer_id uuid not null,  -- who paid
  currency text not null constraint payment_currency check (currency ~ '^[A-Z]{3}$'),
  amount bigint not null constraint payment_amount check (amount between 1 and 1000000000000),
  -- the cents that can be spent
  whole int8range generated always as (case when status = 'succeeded' then int8range(0, amount) end) stored,
  succeeded_at timestamptz,
  deposit boolean not null default false,
  booking_id uuid constraint payment_booking_of_clinic check (clinic_of(booking_id) = clinic_id),  -- what it is for
  refund_id uuid,  -- the refund that became this credit
  credit_note_id uuid,
  reason text constraint payment_reason check (length(reason) <= 500),  -- for goodwill, or why it failed
  series text,  -- of the receipt
  number integer,
  gateway text,
  gateway_session_id text,
  gateway_payment_id text,
  gateway_url text,
  expires_at timestamptz,  -- of a pending payment
  primary key (clinic_id, id),
  constraint payment_succeeded check ((status = 'succeeded') = (succeeded_at is not null)),
  constraint payment_from_refund check ((method = 'credit') = (refund_id is not null)),
  constraint payment_from_credit_note check ((method = 'creditNote') = (credit_note_id is not null)),
  constraint payment_final check (status = 'succeeded' or method not in ('credit', 'creditNote')),
  constraint payment_receipt check (num_nulls(series, number) in (0, 2)),
  constraint payment_gateway check (gateway is not null or num_nonnulls(gateway_session_id, gateway_payment_id) = 0),
  constraint payment_session_once unique (clinic_id, gateway, gateway_session_id),
  constraint payment_intent_once unique (clinic_id, gateway, gateway_payment_id),
  constraint payment_refund_once unique (clinic_id, refund_id),
  constraint payment_credit_note_once unique (clinic_id, credit_note_id),
  constraint payment_with_number unique (clinic_id, id, series, number),
  constraint payment_whole unique (clinic_id, id, currency, whole without overlaps),
  constraint payment_clinic foreign key (clinic_id) references clinic (id),
  constraint payment_customer foreign key (customer_id) references customer (id),
  constraint payment_credit_note foreign key (clinic_id, credit_note_id, currency, amount)
    references invoice (clinic_id, id, currency, credited)
);
create index payment_by_customer on payment (customer_id, clinic_id);
create index payment_by_booking on payment (clinic_id, booking_id) where booking_id is not null;
create index payment_by_time on payment (clinic_id, succeeded_at, id);
create index payment_expires on payment (expires_at) where status = 'pending';

-- Cents that leave a payment: back to where they came from, to the customer's credit, or to a bank that disputes a card
-- payment. A dispute is pending while it is open; it succeeds if the clinic loses it, and fails if the clinic wins.
create table refund (
  clinic_id integer not null,
  id uuid not null constraint refund_id_of_clinic check (clinic_of(id) = clinic_id),
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  payment_id uuid not null,
  currency text not null,
  amount bigint not null constraint refund_amount check (amount > 0),
  destination text not null constraint refund_destination check (destination in ('method', 'credit', 'dispute')),
  status text not null constraint refund_status check (status in ('pending', 'succeeded', 'failed')),
  whole int8range generated always as (case when status <> 'failed' then int8range(0, amount) end) stored,
  credited bigint generated always as (case when destination = 'credit' then amount end) stored,
  credited_id uuid generated always as (case when destination = 'credit' then id end) stored,
  reason text constraint refund_reason check (length(reason) <= 500),
  notice_minutes integer,  -- the line of the cancellation policy that decided, if one did
  keep_percent smallint constraint refund_keep check (keep_percent between 0 and 100),
  gateway_refund_id text,
  primary key (clinic_id, id),
  constraint refund_at_once check (destination <> 'credit' or status = 'succeeded'),
  constraint refund_gateway_once unique (clinic_id, gateway_refund_id),
  constraint refund_credited unique (clinic_id, id, currency, credited),
  constraint refund_whole unique (clinic_id, id, payment_id, currency, whole without overlaps),
  constraint refund_payment foreign key (clinic_id, payment_id) references payment (clinic_id, id)
);
create index refund_by_payment on refund (clinic_id, payment_id);
alter table payment
  add constraint payment_refund foreign key (clinic_id, refund_id, currency, amount)
    references refund (clinic_id, id, currency, credited) deferrable initially deferred;
alter table refund
  add constraint refund_becomes_credit foreign key (clinic_id, credited_id) references payment (clinic_id, refund_id)
    deferrable initially deferred;

-- Which cents of a payment pay which cents of an invoice or of a refund. Undoing it clears the ranges.
create table allocation (
  clinic_id integer not null,
  id uuid not null constraint allocation_id_of_clinic check (clinic_of(id) = clinic_id),
  created_at timestamptz not null default now(),
  undone_at timestamptz,
  actor text not null,  -- as in the audit log
  payment_id uuid not null,
  invoice_id uuid,
  refund_id uuid,
  currency text not null,
  amount bigint not null,
  of_payment int8range,
  of_target int8range,
  of_invoice int8range generated always as (case when invoice_id is not null then of_target end) stored,
  of_refund int8range generated always as (case when refund_id is not null then of_target end) stored,
  primary key (clinic_id, id),
  constraint allocation_of_one check (num_nonnulls(invoice_id, refund_id) = 1),
  constraint allocation_undone
    check (num_nonnulls(of_payment, of_target) = case when undone_at is null then 2 else 0 end),
  constraint allocation_size check (upper(of_payment) - lower(of_payment) = amount
                                    and upper(of_target) - lower(of_target) = amount),
  constraint payment_spent_once unique (clinic_id, payment_id, of_payment without overlaps),
  constraint invoice_paid_once unique (clinic_id, invoice_id, of_invoice without overlaps),
  constraint refund_made_once unique (clinic_id, refund_id, of_refund without overlaps),
  constraint allocation_of_payment foreign key (clinic_id, payment_id, currency, period of_payment)
    references payment (clinic_id, id, currency, period whole),
  constraint allocation_of_invoice foreign key (clinic_id, invoice_id, currency, period of_invoice)
    references invoice (clinic_id, id, currency, period payable),
  constraint allocation_of_refund foreign key (clinic_id, refund_id, payment_id, currency, period of_refund)
    references refund (clinic_id, id, payment_id, currency, period whole)
);
create index allocation_by_payment on allocation (clinic_id, payment_id);
create index allocation_by_invoice on allocation (clinic_id, invoice_id) where invoice_id is not null;
create index allocation_by_refund on allocation (clinic_id, refund_id) where refund_id is not null;
alter table refund
  add constraint refund_taken foreign key (clinic_id, id, period whole)
    references allocation (clinic_id, refund_id, period of_refund) deferrable initially deferred;

-- The numbers of invoices, credit notes and receipts. Number n refers to number n − 1, so there are no gaps, and a
-- document refers to its number and the number to its document, so neither can be deleted.
create table document_number (
  clinic_id integer not null,
  series text not null,
  number integer not null,
  previous_number integer generated always as (nullif(number - 1, 0)) stored,
  created_at timestamptz not null default now(),
  invoice_id uuid,
  payment_id uuid,
  primary key (clinic_id, series, number),
  constraint document_number_of_one check (num_nonnulls(invoice_id, payment_id) = 1),
  constraint document_number_of_invoice unique (clinic_id, invoice_id, series, number),
  constraint document_number_of_payment unique (clinic_id, payment_id, series, number),
  constraint document_number_series foreign key (clinic_id, series) references number_series (clinic_id, series),
  constraint document_number_previous foreign key (clinic_id, series, previous_number)
    references document_number (clinic_id, series, number),
  constraint document_number_invoice foreign key (clinic_id, invoice_id, series, number)
    references invoice (clinic_id, id, series, number) deferrable initially deferred,
  constraint document_number_payment foreign key (clinic_id, payment_id, series, number)
    references payment (clinic_id, id, series, number) deferrable initially deferred
);
alter table invoice
  add constraint invoice_number foreign key (clinic_id, id, series, number)
    references document_number (clinic_id, invoice_id, series, number) deferrable initially deferred;
alter table payment
  add constraint payment_number foreign key (clinic_id, id, series, number)
    references document_number (clinic_id, payment_id, series, number) deferrable initially deferred;

create table account (
  clinic_id integer not null,
  name text not null constraint account_name
    check (name in ('receivable', 'cash', 'bank', 'gateway', 'deposits', 'credit', 'revenue', 'discounts', 'tax',
                    'fees', 'costs', 'disputes', 'rounding')),
  currency text not null constraint account_currency check (currency ~ '^[A-Z]{3}$'),
  primary key (clinic_id, name, currency),
  constraint account_clinic foreign key (clinic_id) references clinic (id)
);

-- One amount from one account to another, so the books always balance. Rows never change: a further transfer corrects a
-- mistake. A pending transfer does not count until another one posts it; it is posted or voided at most once.
create table transfer (
  clinic_id integer not null,
  id uuid not null constraint transfer_id_of_clinic check (clinic_of(id) = clinic_id),
  created_at timestamptz not null default now(),
  stage text not null default 'final'
    constraint transfer_stage check (stage in ('final', 'pending', 'posted', 'voided')),
  rule text not null constraint transfer_rule check (rule ~ '^[a-z]+(-[a-z]+)*$'),  -- of payments/ledger/model.py
  debit text not null,
  credit text not null,
  currency text not null,
  amount bigint not null constraint transfer_amount check (amount > 0),
  customer_id uuid,
  invoice_id uuid,
  payment_id uuid,
  allocation_id uuid,
  refund_id uuid,
  reference text constraint transfer_reference check (length(reference) <= 200),  -- of the gateway
  resolves_id uuid,
  pending_id uuid generated always as (case when stage = 'pending' then id end) stored,
  primary key (clinic_id, id),
  constraint transfer_between_two check (debit <> credit),
  constraint transfer_resolves check ((stage in ('posted', 'voided')) = (resolves_id is not null)),
  constraint transfer_once unique nulls not distinct
    (clinic_id, rule, invoice_id, payment_id, allocation_id, refund_id, reference, resolves_id),
  constraint transfer_resolved_once unique (clinic_id, resolves_id),
  constraint transfer_pending unique (clinic_id, pending_id, debit, credit, currency, amount),
  constraint transfer_debit foreign key (clinic_id, debit, currency) references account (clinic_id, name, currency),
  constraint transfer_credit foreign key (clinic_id, credit, currency) references account (clinic_id, name, currency),
  constraint transfer_pending_of foreign key (clinic_id, resolves_id, debit, credit, currency, amount)
    references transfer (clinic_id, pending_id, debit, credit, currency, amount),
  constraint transfer_customer foreign key (customer_id) references customer (id),
  constraint transfer_invoice foreign key (clinic_id, invoice_id) references invoice (clinic_id, id),
  constraint transfer_payment foreign key (clinic_id, payment_id) references payment (clinic_id, id),
  constraint transfer_allocation foreign key (clinic_id, allocation_id) references allocation (clinic_id, id),
  constraint transfer_refund foreign key (clinic_id, refund_id) references refund (clinic_id, id)
);
create index transfer_by_time on transfer (clinic_id, created_at, id);

-- The events that gateways have sent, so that each one has its effect once.
create table gateway_event (
  gateway text not null,
  event_id text not null constraint gateway_event_id check (length(event_id) between 1 and 200),
  type text not null,
  received_at timestamptz not null default now(),
  primary key (gateway, event_id)
);

-- A transfer to write. A parameter of payments/ledger/sql/insert_transfers.sql.
create type new_transfer as (
  id uuid, stage text, rule text, debit text, credit text, currency text, amount bigint, customer_id uuid,
  invoice_id uuid, payment_id uuid, allocation_id uuid, refund_id uuid, reference text, resolves_id uuid
);

-- Lock payments and then invoices, each in id order, so that statements that choose cents queue here instead of
-- deadlocking. It is a security definer because row-level security would also hide issued invoices from locks.
create function lock_money(clinic integer, payments uuid[], invoices uuid[]) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
  perform from payment where clinic_id = clinic and id = any(payments) order by id for no key update;
  perform from invoice where clinic_id = clinic and id = any(invoices) order by id for no key update;
end $$;
revoke execute on function lock_money from public;
grant execute on function lock_money to appoint_server, appoint_across;

grant select, insert, update, delete on payment_policy, cancellation_rule, invoice, invoice_line, coupon_type
  to appoint_server, appoint_across;
grant select, insert, update on coupon, coupon_use, payment, refund, number_series to appoint_server, appoint_across;
grant select, insert on document_number, account, transfer, gateway_event to appoint_server, appoint_across;
grant update (undone_at, of_payment, of_target) on allocation to appoint_server, appoint_across;
grant select, insert on allocation to appoint_server, appoint_across;

alter table payment_policy enable row level security;
create policy of_clinic on payment_policy to appoint_server using (clinic_id = current_clinic());
create policy across on payment_policy to appoint_across using (true);
alter table cancellation_rule enable row level security;
create policy of_clinic on cancellation_rule to appoint_server using (clinic_id = current_clinic());
create policy across on cancellation_rule to appoint_across using (true);
alter table number_series enable row level security;
create policy of_clinic on number_series to appoint_server using (clinic_id = current_clinic());
create policy across on number_series to appoint_across using (true);
alter table document_number enable row level security;
create policy of_clinic on document_number to appoint_server using (clinic_id = current_clinic());
create policy across on document_number to appoint_across using (true);
alter table coupon enable row level security;
create policy of_clinic on coupon to appoint_server using (clinic_id = current_clinic());
create policy across on coupon to appoint_across using (true);
alter table coupon_type enable row level security;
create policy of_clinic on coupon_type to appoint_server using (clinic_id = current_clinic());
create policy across on coupon_type to appoint_across using (true);
alter table coupon_use enable row level security;
create policy of_clinic on coupon_use to appoint_server using (clinic_id = current_clinic());
create policy across on coupon_use to appoint_across using (true);
alter table payment enable row level security;
create policy of_clinic on payment to appoint_server using (clinic_id = current_clinic());
create policy across on payment to appoint_across using (true);
alter table refund enable row level security;
create policy of_clinic on refund to appoint_server using (clinic_id = current_clinic());
create policy across on refund to appoint_across using (true);
alter table allocation enable row level security;
create policy of_clinic on allocation to appoint_server using (clinic_id = current_clinic());
create policy across on allocation to appoint_across using (true);
alter table account enable row level security;
create policy of_clinic on account to appoint_server using (clinic_id = current_clinic());
create policy across on account to appoint_across using (true);
alter table transfer enable row level security;
create policy of_clinic on transfer to appoint_server using (clinic_id = current_clinic());
create policy across on transfer to appoint_across using (true);

-- Only drafts can be changed or deleted. The foreign key of the lines still follows when their invoice is issued,
-- because PostgreSQL does that as the tables' owner.
alter table invoice enable row level security;
create policy of_clinic on invoice for select to appoint_server using (clinic_id = current_clinic());
create policy added on invoice for insert to appoint_server with check (clinic_id = current_clinic());
create policy changed on invoice for update to appoint_server
  using (clinic_id = current_clinic() and status = 'draft') with check (clinic_id = current_clinic());
create policy deleted on invoice for delete to appoint_server
  using (clinic_id = current_clinic() and status = 'draft');
create policy across on invoice for select to appoint_across using (true);
create policy added_across on invoice for insert to appoint_across with check (true);
create policy changed_across on invoice for update to appoint_across using (status = 'draft') with check (true);
create policy deleted_across on invoice for delete to appoint_across using (status = 'draft');
alter table invoice_line enable row level security;
create policy of_clinic on invoice_line for select to appoint_server using (clinic_id = current_clinic());
create policy added on invoice_line for insert to appoint_server
  with check (clinic_id = current_clinic() and invoice_status = 'draft');
create policy changed on invoice_line for update to appoint_server
  using (clinic_id = current_clinic() and invoice_status = 'draft') with check (invoice_status = 'draft');
create policy deleted on invoice_line for delete to appoint_server
  using (clinic_id = current_clinic() and invoice_status = 'draft');
create policy across on invoice_line for select to appoint_across using (true);
create policy added_across on invoice_line for insert to appoint_across with check (invoice_status = 'draft');
create policy changed_across on invoice_line for update to appoint_across
  using (invoice_status = 'draft') with check (invoice_status = 'draft');
create policy deleted_across on invoice_line for delete to appoint_across using (invoice_status = 'draft');
