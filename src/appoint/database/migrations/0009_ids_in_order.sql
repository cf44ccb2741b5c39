-- Ids sort by creation time to the microsecond, not just to the millisecond: the first 10 of the 42 random bits now
-- hold the microseconds. The milliseconds are no longer rounded up, because that could sort an id after later ones from
-- Python.
create or replace function mint_id(clinic_id integer) returns uuid language sql volatile strict parallel safe
  begin atomic
    select (lpad(to_hex(clinic_id), 8, '0') || lpad(to_hex(us / 1000 >> 32), 4, '0')
            || '8' || lpad(to_hex((us / 1000 >> 20) & 4095), 3, '0')
            || to_hex((-9223372036854775808)::bigint | ((us / 1000 & 1048575) << 42) | (us % 1000 << 32)
                      | random(0, 4294967295)))::uuid
      from (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us) as clock;
  end;
