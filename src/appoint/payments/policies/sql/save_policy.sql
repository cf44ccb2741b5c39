-- Replace a clinic's policy, or the one for a type, including its cancellation rules. Returns its version.
with saved as (
  insert into payment_policy as p
         (clinic_id, id, appointment_type_id, deposit_amount, deposit_percent, deposit_refund_minutes,
          no_show_fee_amount, issues_fees, invoices_at, refund_to, prices_include_tax, tax_category, tax_rate,
          tax_reason, fee_tax_category, fee_tax_rate, mails_invoices, series, payment_terms_days,
          retain_invoices_years)
  values (:clinic_id, mint_id(:clinic_id), :type_id, :deposit_amount, :deposit_percent, :deposit_refund_minutes,
          :no_show_fee_amount, :issues_fees, :invoices_at, :refund_to, :prices_include_tax, :tax_category, :tax_rate,
          :tax_reason, :fee_tax_category, :fee_tax_rate, :mails_invoices, :series, :payment_terms_days,
          :retain_invoices_years)
  on conflict (clinic_id, appointment_type_id) do update
     set version = p.version + 1, updated_at = excluded.updated_at, deposit_amount = excluded.deposit_amount,
         deposit_percent = excluded.deposit_percent, deposit_refund_minutes = excluded.deposit_refund_minutes,
         no_show_fee_amount = excluded.no_show_fee_amount, issues_fees = excluded.issues_fees,
         invoices_at = excluded.invoices_at, refund_to = excluded.refund_to,
         prices_include_tax = excluded.prices_include_tax, tax_category = excluded.tax_category,
         tax_rate = excluded.tax_rate, tax_reason = excluded.tax_reason, fee_tax_category = excluded.fee_tax_category,
         fee_tax_rate = excluded.fee_tax_rate, mails_invoices = excluded.mails_invoices, series = excluded.series,
         payment_terms_days = excluded.payment_terms_days, retain_invoices_years = excluded.retain_invoices_years
  returning p.id, p.version
), wanted as (
  select s.id as policy_id, r.before_minutes, r.keep_percent
    from saved s
   cross join unnest(:before_minutes::integer[], :keep_percents::smallint[]) as r (before_minutes, keep_percent)
), removed as (
  delete from cancellation_rule c
   using saved s
   where c.clinic_id = :clinic_id and c.policy_id = s.id and c.before_minutes <> all (:before_minutes)
), written as (
  insert into cancellation_rule (clinic_id, policy_id, before_minutes, keep_percent)
  select :clinic_id, policy_id, before_minutes, keep_percent from wanted
  on conflict (clinic_id, policy_id, before_minutes) do update set keep_percent = excluded.keep_percent
)
select version from saved
