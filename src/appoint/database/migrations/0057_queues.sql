-- Queues in front of clinics' booking pages. Visitors hold signed tickets with numbers, so a row per clinic is enough.
alter table clinic
  add column queue text not null default 'automatic' constraint clinic_queue check (queue in ('automatic', 'manual'));

create table visitor_queue (
  clinic_id integer primary key constraint visitor_queue_clinic check (clinic_id >= 0),  -- 0: all clinics
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  opened_at timestamptz,  -- null: closed
  opened_by text constraint visitor_queue_opened_by check (opened_by in ('staff', 'load', 'opening')),
  opens_at timestamptz,  -- the announced opening
  issued bigint not null default 0,  -- the highest number on a ticket
  served bigint not null default 0,  -- everyone up to this place has had their turn
  marked bigint not null default 0,  -- `served` at `marked_at`
  marked_at timestamptz not null default now(),
  missed bigint not null default 0,  -- everyone up to this place had their turn more than ten minutes ago
  shuffled_after bigint,  -- the numbers after this one, up to and including `shuffled_until`, are shuffled
  shuffled_until bigint,
  constraint visitor_queue_opened check ((opened_at is null) = (opened_by is null)),
  constraint visitor_queue_order check (0 <= missed and missed <= marked and marked <= served and served <= issued),
  constraint visitor_queue_shuffle check (shuffled_after <= shuffled_until and shuffled_until <= issued)
);

-- Each server process reads and advances all open queues, so there is no row security. They contain no personal data.
grant select, insert, update on visitor_queue to appoint_server, appoint_across;
