-- Bookings take typed parameters, appointment events all have the same shape, and a cancellation has a cause.

-- The parameters of booking/sql/insert_appointments.sql. The previous version's code may still use a type while this
-- migration runs, so a type never changes: a statement that needs different members gets a new type.

-- turn: 1, 2, …, the order in which doctors are chosen for the requests. If doctor_id is null, any candidate will do.
create type requested_appointment as (
  turn smallint, position smallint, id uuid, doctor_id uuid, customer_id uuid, appointment_type_id uuid,
  starts_at timestamptz, ends_at timestamptz, claimed_from timestamptz, claimed_until timestamptz,
  status text, hold_expires_at timestamptz, price_amount integer, price_currency text, notes text, overrides text[]
);
create type appointment_candidate as (turn smallint, doctor_id uuid, version integer);
create type versioned_id as (id uuid, version integer);
create type idempotency as (caller text, key text, digest bytea);
create type booking_limits as (appointments integer, holds integer);
create type audit_actor as (key text, action text, address text, request_id text, reason text);

-- The data for every event that says when an appointment is, who it is with and who it is for.
create function appointment_event_data(booking_id uuid, doctor_id uuid, customer_id uuid, during tstzrange,
                                       sequence integer, more jsonb default null) returns jsonb
language sql stable parallel safe
return jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id,
                          'startTime', lower(during), 'endTime', upper(during), 'sequence', sequence)
       || coalesce(more, '{}');

-- The data for every event about a slot being published or withdrawn.
create function slot_event_data(doctor_id uuid, during tstzrange) returns jsonb
language sql stable parallel safe
return jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during));

-- Why an appointment was cancelled, for programs; cancel_reason is for people.
alter table appointment
  add column cancel_cause text,
  -- The check scans a column that is still null in every row.
  -- squawk-ignore constraint-missing-not-valid
  add constraint appointment_cancel_cause check (
    cancel_cause is null or (cancel_cause in ('request', 'hold-expired') and status = 'cancelled'));
update appointment set cancel_cause = case when cancel_reason = 'hold-expired' then 'hold-expired' else 'request' end
 where status = 'cancelled';

create or replace view shown_appointment as
  select a.clinic_id, a.id, a.booking_id, a.position, a.booker_id, a.doctor_id, a.customer_id, a.appointment_type_id,
         lower(a.during) as start_time, upper(a.during) as end_time, c.time_zone, a.status, a.hold_expires_at,
         a.cancel_reason, a.needs_rebooking, a.price_amount, a.price_currency, a.notes, a.version, a.created_at,
         a.updated_at, a.claimed, a.overridden as overrides, a.override_reason, a.cancel_cause
    from appointment a
    join clinic c on c.id = a.clinic_id;
