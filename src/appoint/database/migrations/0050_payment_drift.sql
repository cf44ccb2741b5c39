-- Differences between our books and the payment provider's, and deposits in the clinics' catalogues.

create table payment_drift (
  clinic_id integer not null,
  kind text not null constraint payment_drift_kind
    check (kind in ('payment-not-recorded', 'payment-unknown', 'payment-not-collected', 'amount-differs',
                    'refund-not-recorded', 'refund-unknown', 'refund-not-made', 'dispute-not-recorded')),
  gateway_id text not null,  -- the provider's object
  payment_id uuid,
  found_at timestamptz not null,
  resolved_at timestamptz,
  primary key (clinic_id, kind, gateway_id),
  constraint payment_drift_clinic foreign key (clinic_id) references clinic (id)
);
grant select, insert, update on payment_drift to appoint_server, appoint_across;
alter table payment_drift enable row level security;
create policy of_clinic on payment_drift to appoint_server using (clinic_id = current_clinic());
create policy across on payment_drift to appoint_across using (true);

-- Everyone may know what a clinic asks for in advance, on pages that belong to no clinic's session.
create policy shown on payment_policy for select to appoint_server using (true);
