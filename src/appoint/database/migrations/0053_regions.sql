-- The region whose formats a person prefers for dates, times and numbers. Both columns start out empty.
alter table app_user
  add column region text constraint app_user_region check (region ~ '^([A-Z]{2}|419)$');
alter table customer
  add column region text constraint customer_region
    check (region is null or (region ~ '^([A-Z]{2}|419)$' and erased_at is null));
