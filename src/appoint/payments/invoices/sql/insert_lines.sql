-- Write a draft's lines. The arrays have one element for each line.
insert into invoice_line (clinic_id, invoice_id, position, description, appointment_id, supplied_on, coupon_use_id,
                          quantity, unit_amount, discount_amount, includes_tax, tax_category, tax_rate, tax_reason,
                          net, tax, gross, first_cent)
select :clinic_id, :invoice_id, position, description, appointment_id, supplied_on, coupon_use_id, quantity,
       unit_amount, discount_amount, :includes_tax, tax_category, tax_rate, tax_reason, net, tax, gross, first_cent
  from unnest(:descriptions::text[], :appointment_ids::uuid[], :supplied_on::date[], :coupon_use_ids::uuid[],
              :quantities::integer[], :unit_amounts::bigint[], :discount_amounts::bigint[], :tax_categories::text[],
              :tax_rates::integer[], :tax_reasons::text[], :nets::bigint[], :taxes::bigint[], :grosses::bigint[],
              :first_cents::bigint[])
       with ordinality as line (description, appointment_id, supplied_on, coupon_use_id, quantity, unit_amount,
                                discount_amount, tax_category, tax_rate, tax_reason, net, tax, gross, first_cent,
                                position)
