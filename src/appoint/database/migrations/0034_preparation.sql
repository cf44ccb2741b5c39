-- What patients should bring to an appointment, or do before it.
alter table appointment_type
  add column preparation text
    constraint appointment_type_preparation check (preparation ~ '\S' and length(preparation) <= 2000);
