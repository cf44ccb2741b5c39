-- Installations that together serve one platform. Each cell is home to some clinics and has a copy of both tables.
create table cell (
  number smallint primary key constraint cell_number check (number between 0 and 2047),
  name text not null constraint cell_name_unique unique
    constraint cell_name check (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(name) <= 40),
  url text not null constraint cell_url_unique unique
    constraint cell_url check (url ~ '^https?://[^[:space:]/?#]+$' and length(url) <= 200),
  added_at timestamptz not null default now(),
  followed_until timestamptz  -- until when this cell has learned about the clinics of the other, by that one's clock
);

-- The clinics that this cell knows of in other cells, and those that have moved. Every other clinic is at home in the
-- cell whose block its number is from: cell n mints the numbers from n * 1048576 on.
create table clinic_home (
  clinic_id integer primary key constraint clinic_home_clinic check (clinic_id > 0),
  cell smallint not null constraint clinic_home_cell references cell,
  moves integer not null default 0 constraint clinic_home_moves check (moves >= 0),
  slug text constraint clinic_home_slug check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 100),
  updated_at timestamptz not null default now(),
  constraint clinic_home_minted check (moves > 0 or clinic_id / 1048576 = cell)
);
create index clinic_home_by_change on clinic_home (updated_at);

-- Make new clinics' numbers come from a cell's block, and from nowhere else.
create function reserve_clinic_numbers(cell integer) returns void language plpgsql as $$
declare
  first integer := greatest(1, cell * 1048576);
  last integer := cell * 1048576 + 1048575;
  highest integer;
begin
  select greatest((select max(id) from clinic where id between first and last),
                  (select last_value from clinic_id_seq where is_called and last_value between first and last))
    into highest;
  execute format('alter sequence clinic_id_seq minvalue %s maxvalue %s start %s restart %s',
                 first, last, first, coalesce(highest + 1, first));
end $$;

-- All server processes read them to route requests, so there is no row security. They contain no personal data.
grant select on cell, clinic_home to appoint_server, appoint_across;
grant insert, update, delete on cell, clinic_home to appoint_across;
