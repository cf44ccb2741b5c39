"""Everything the appointment table is asked."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ..clinics.clinics.model import DoctorChoice
from ..database.pool import Row, Statements
from ..kit import ids, tracing
from ..kit.actors import Actor
from ..kit.money import Money
from .model import Appointment, Status, for_the_record
from .rules import Caps, Wish

CLAIM: Final = """
with recursive wish as (
  select *,
         case when $8 = 'leastBusy' and named_doctor_id is null
              then tstzrange(local_instant(date_trunc('week', starts_at at time zone $9)::date, 0, $9),
                             local_instant(date_trunc('week', starts_at at time zone $9)::date + 7, 0, $9)) end as week
    from unnest($16::smallint[], $17::uuid[], $18::uuid[], $19::uuid[], $20::uuid[], $21::timestamptz[], $22::timestamptz[], $23::timestamptz[], $24::timestamptz[],
                $25::text[], $26::timestamptz[], $27::int[], $28::text[], $29::text[], $35::text[])
         with ordinality as w (position, id, named_doctor_id, customer_id, appointment_type_id, starts_at, ends_at, claimed_from, claimed_until,
                               status, hold_expires_at, price_amount, price_currency, notes, overridden, n)
), candidate as (  -- who may be booked, as long as what the caller knew of clinic, doctors and types still stands
  select k.n, d.id as doctor_id
    from unnest($11::bigint[], $12::uuid[], $13::int[]) as k (n, doctor_id, version)
    join doctor d on d.clinic_id = $1 and d.id = k.doctor_id and d.version = k.version and d.active
   where exists (select from clinic c where c.id = $1 and c.version = $2 and c.active)
     and not exists (select from unnest($14::uuid[], $15::int[]) as u (id, version)
                      where not exists (select from appointment_type t where t.clinic_id = $1 and t.id = u.id and t.version = u.version and t.active))
), capped as (  -- one customer after the other in the same order everywhere: such statements wait for each other here, before they write
  select bool_and(fits_caps($1, customer_id, more, more_held, $37, $38, $39)) as fits
    from (select customer_id, count(*) as more, count(*) filter (where status = 'pending') as more_held
            from wish where $37::int is not null group by customer_id order by customer_id offset 0) per_customer
), placed (n, doctor_ids) as (  -- one wish after the other, so that the rule's choice for one knows those before
  select 0::bigint, '{}'::uuid[]
  union all
  select w.n, p.doctor_ids || (
           select c.doctor_id
             from candidate c
            where c.n = w.n
              and (w.named_doctor_id is not null
                   or (select range_agg(s.active_during) from booking_slot s
                        where s.clinic_id = $1 and s.doctor_id = c.doctor_id and s.active_during && tstzrange(w.starts_at, w.ends_at)) @> tstzrange(w.starts_at, w.ends_at)
                  and not exists (select from appointment a
                                   where a.clinic_id = $1 and a.doctor_id = c.doctor_id and a.active_claim && tstzrange(w.claimed_from, w.claimed_until))
                  and not exists (select from wish o
                                   where o.n < w.n and p.doctor_ids[o.n] = c.doctor_id
                                     and tstzrange(o.claimed_from, o.claimed_until) && tstzrange(w.claimed_from, w.claimed_until)))
            order by case when w.named_doctor_id is not null then 0
                          when $8 = 'leastBusy'  -- counts claims, which the index has
                          then (select count(*) from appointment a where a.clinic_id = $1 and a.doctor_id = c.doctor_id and a.active_claim && w.week)
                               + (select count(*) from wish o where p.doctor_ids[o.n] = c.doctor_id and tstzrange(o.claimed_from, o.claimed_until) && w.week)
                          when $8 = 'roundRobin' and c.doctor_id = any(p.doctor_ids) then extract(epoch from now())
                          when $8 = 'roundRobin'
                          then (select extract(epoch from max(a.created_at)) from appointment a where a.clinic_id = $1 and a.doctor_id = c.doctor_id and a.chosen)
                     end nulls first, random()
            limit 1)
    from placed p join wish w on w.n = p.n + 1
), booked as (
  insert into appointment (clinic_id, id, booking_id, position, doctor_id, customer_id, booker_id, appointment_type_id, status, hold_expires_at,
                           during, claimed, chosen, price_amount, price_currency, notes, overridden, override_reason,
                           idempotency_caller, idempotency_key, request_digest)
  select $1, w.id, $3, w.position, last.doctor_ids[w.n], w.customer_id, $4, w.appointment_type_id, w.status, w.hold_expires_at,
         tstzrange(w.starts_at, w.ends_at), tstzrange(w.claimed_from, w.claimed_until), w.named_doctor_id is null, w.price_amount, w.price_currency, w.notes,
         w.overridden::text[], case when w.overridden <> '{}' then $36 end, $5, $6, $7
    from wish w
    join placed last on last.n = cardinality($16) and last.doctor_ids[w.n] is not null and (select fits is not false from capped)
    join customer on customer.id = w.customer_id and customer.active
   where w.overridden like '%customer-busy%'  -- appointments that staff made beside others are not in customer_free, and take the customer's time all the same
      or not exists (select from appointment a
                      where a.clinic_id = $1 and a.customer_id = w.customer_id and 'customer-busy' = any(a.overridden)
                        and a.active_during && tstzrange(w.starts_at, w.ends_at))
   order by last.doctor_ids[w.n], w.starts_at  -- two such statements never wait for each other
     for key share of customer  -- so that nobody is removed meanwhile
  on conflict do nothing  -- no target: doctor_free, customer_free and same_request alike; never raises, never deadlocks
  returning clinic_id, id, booking_id, position, booker_id, doctor_id, customer_id, appointment_type_id,
            lower(during) as start_time, upper(during) as end_time, $9::text as time_zone, status, hold_expires_at, cancel_reason, needs_rebooking,
            price_amount, price_currency, notes, version, created_at, updated_at, overridden as overrides, override_reason
), registered as (  -- the first visit makes a customer a patient
  insert into patient (clinic_id, customer_id) select distinct clinic_id, customer_id from booked
  on conflict do nothing
), told as (
  insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
  select clinic_id, case status when 'pending' then 'appointment.held' else 'appointment.booked' end, id::text, version,
         jsonb_strip_nulls(jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id, 'startTime', start_time,
                                              'endTime', end_time, 'sequence', 0, 'holdExpiresAt', hold_expires_at)), $10
    from booked
), recorded as (  -- who did it
  insert into audit_unsealed (clinic_id, actor, action, subjects, address, request_id, reason)
  select $1, $30, $31, array_agg(id::text order by position), $32, $33, $34 from booked having count(*) > 0
)
select * from booked where cardinality($16) = 1 or refuse_partial((select count(*) from booked), cardinality($16))
"""


async def claim(
    db: Statements,
    wishes: Sequence[Wish],
    actor: Actor,
    *,
    clinic_id: int,
    clinic_version: int,
    time_zone: str,
    rule: DoctorChoice,
    booker_id: UUID | None,
    hold_expires_at: datetime,
    caller: str | None,
    key: str | None,
    digest: bytes | None,
    override_reason: str | None,
    caps: Caps | None,
    now: datetime,
) -> list[Row]:
    """Write all wishes or none, in one statement and one round trip, with the patient records, events and audit entry
    that follow; the rows are those of appointments.

    Who of several callers gets a time is decided here: a wish that lost writes nothing. Where a wish names no doctor,
    the clinic's rule chooses among its candidates who are free. No row comes back when somebody else was first, when
    this very request was first (same caller and key), when a customer has as much as the caps allow, or when what the
    caller knew of clinic, doctors, types or customer no longer stands. Caps hold exactly: bookings under caps for one
    customer wait for each other.

    Raises PostgreSQL's `AP001` when only some of several could be written, and `ForeignKeyViolationError` naming
    `within_hours` when a wish with a named doctor lies outside the published hours; nothing is written then either.
    """
    # those with fewest candidates choose first, so that no one takes the only doctor of another
    ordered = sorted(wishes, key=lambda wish: (len(wish.candidates), wish.position))
    candidates = [(n, doctor) for n, wish in enumerate(ordered, 1) for doctor in wish.candidates]
    types = {wish.type.id: wish.type.version for wish in ordered if wish.type}
    booking_id = ids.new_id(clinic_id)
    return await db.fetch(
        CLAIM,
        clinic_id,
        clinic_version,
        booking_id,
        booker_id,
        caller,
        key,
        digest,
        rule,
        time_zone,
        tracing.traceparent(),
        [n for n, _ in candidates],
        [doctor.id for _, doctor in candidates],
        [doctor.version for _, doctor in candidates],
        list(types),
        list(types.values()),
        [wish.position for wish in ordered],
        [booking_id if len(ordered) == 1 else ids.new_id(clinic_id) for _ in ordered],
        [wish.doctor_id for wish in ordered],
        [wish.customer_id for wish in ordered],
        [wish.type and wish.type.id for wish in ordered],
        [wish.start for wish in ordered],
        [wish.end for wish in ordered],
        [wish.claimed_from for wish in ordered],
        [wish.claimed_until for wish in ordered],
        [Status.PENDING if wish.hold else Status.BOOKED for wish in ordered],
        [hold_expires_at if wish.hold else None for wish in ordered],
        [wish.type and wish.type.price_amount for wish in ordered],
        [wish.type and wish.type.price_currency for wish in ordered],
        [wish.notes for wish in ordered],
        actor.key,
        actor.doing,
        actor.address,
        tracing.request_id(),
        for_the_record(rule for wish in ordered for rule in wish.overridden),
        [f"{{{','.join(wish.overridden)}}}" for wish in ordered],
        override_reason,
        caps and caps.appointments,
        caps and caps.holds,
        now,
    )


def appointment(row: Row) -> Appointment:
    """The appointment of a row of `shown_appointment`, or one that `claim` returned."""
    amount = row["price_amount"]
    return Appointment(
        **{name: row[name] for name in SHOWN},
        price=None if amount is None else Money(amount, row["price_currency"]),
    )


SHOWN: Final = tuple(name for name in Appointment.__struct_fields__ if name not in ("price", "manage_token"))


async def find(db: Statements, *, clinic_id: int, appointment_id: UUID) -> Row | None:
    return await db.fetchrow(
        "select * from shown_appointment where clinic_id = $1 and id = $2", clinic_id, appointment_id
    )


async def for_holder(db: Statements, *, clinic_id: int, appointment_id: UUID) -> Row | None:
    """The appointment, with the names that its customer knows things by, and where they are reached."""
    return await db.fetchrow(
        """
        select s.*, a.sequence, c.name as clinic, c.slug, c.address, c.phone, c.email, d.name as doctor, t.name as type, coalesce(t.mode, 'inPerson') as mode,
               (select coalesce(u.email, u.phone) from clinic_customer u where u.id = s.customer_id) as reached_at
          from shown_appointment s
          join appointment a on a.clinic_id = s.clinic_id and a.id = s.id
          join clinic c on c.id = s.clinic_id
          join doctor d on d.clinic_id = s.clinic_id and d.id = s.doctor_id
          left join appointment_type t on t.clinic_id = s.clinic_id and t.id = s.appointment_type_id
         where s.clinic_id = $1 and s.id = $2
        """,
        clinic_id,
        appointment_id,
    )


async def lock(
    tx: Statements, *, clinic_id: int, appointment_id: UUID, other_doctor_id: UUID | None = None
) -> Row | None:
    """The appointment, which nobody else changes until the transaction ends. Before it are locked its doctor and the
    other one, in the order of their ids: moves wait for each other there and nowhere else."""
    await tx.execute(
        """
        select from doctor
         where clinic_id = $1 and (id = $3 or id = (select doctor_id from appointment where clinic_id = $1 and id = $2))
         order by id
           for no key update
        """,
        clinic_id,
        appointment_id,
        other_doctor_id,
    )
    await tx.execute(
        "select from appointment where clinic_id = $1 and id = $2 for no key update", clinic_id, appointment_id
    )
    return await find(tx, clinic_id=clinic_id, appointment_id=appointment_id)


async def made_by_request(db: Statements, *, clinic_id: int, caller: str, key: str) -> list[Row]:
    """What an earlier request with the same caller and key made, with that request's `request_digest`."""
    return await db.fetch(
        """
        select s.*, a.request_digest
          from appointment a
          join shown_appointment s on s.clinic_id = a.clinic_id and s.id = a.id
         where a.clinic_id = $1 and a.idempotency_caller = $2 and a.idempotency_key = $3
         order by a.position
        """,
        clinic_id,
        caller,
        key,
    )


async def lock_hours(tx: Statements, *, clinic_id: int, doctor_ids: Sequence[UUID]) -> None:
    """Nobody else publishes or withdraws the doctors' hours until the transaction ends; the order is that of all who
    do."""
    await tx.execute("select from clinic where id = $1 for share", clinic_id)
    await tx.execute(
        "select from doctor where clinic_id = $1 and id = any($2) order by id for no key update", clinic_id, doctor_ids
    )


async def publish_missing(tx: Statements, *, clinic_id: int, wishes: Sequence[Wish]) -> None:
    """Publish for each wish, for it alone, what the hours of its doctor lack."""
    await tx.execute(
        """
        with made as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, source, remnant)
          select $1, mint_id($1), w.doctor_id, (lower(piece) at time zone c.time_zone)::date, piece, 'manual', true
            from clinic c,
                 unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as w (doctor_id, starts_at, ends_at),
                 unnest(tstzmultirange(tstzrange(starts_at, ends_at))
                        - coalesce((select range_agg(s.active_during) from booking_slot s
                                     where s.clinic_id = $1 and s.doctor_id = w.doctor_id and s.active_during && tstzrange(w.starts_at, w.ends_at)), '{}')) as piece
           where c.id = $1
          on conflict do nothing  -- of two wishes for one time one is refused anyway
          returning clinic_id, id, version, doctor_id, during
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'slot.published', id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during))
          from made
        """,
        clinic_id,
        [wish.doctor_id for wish in wishes],
        [wish.start for wish in wishes],
        [wish.end for wish in wishes],
    )


async def change_notes(tx: Statements, *, clinic_id: int, appointment_id: UUID, notes: str | None) -> bool:
    """Of a locked appointment; False where the customer was erased, of whom nothing is noted any more."""
    done = await tx.execute(
        """
        with changed as (
          update appointment a set notes = $3, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2 and exists (select from customer c where c.id = a.customer_id and c.erased_at is null)
          returning clinic_id, id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'appointment.changed', id::text, version, '{}' from changed
        """,
        clinic_id,
        appointment_id,
        notes,
    )
    return done.endswith(" 1")


async def change_status(
    tx: Statements,
    *,
    clinic_id: int,
    appointment_id: UUID,
    status: Status,
    event: str,
    cancel_reason: str | None,
    late_because: str | None,
) -> None:
    """`late_because` is why it may be cancelled although it is too late. Raises `ExclusionViolationError` or
    `ForeignKeyViolationError` when the appointment comes back to life and its time is gone."""
    await tx.execute(
        """
        with changed as (
          update appointment
             set status = $3, hold_expires_at = null,
                 cancel_reason = case when exists (select from customer c where c.id = appointment.customer_id and c.erased_at is null) then $5 end,
                 needs_rebooking = needs_rebooking and $3 <> 'cancelled', only_held = status = 'pending' and $3 = 'cancelled',
                 overridden = case when $7::text is null then overridden else overridden || '{too-late}' end,
                 override_reason = case when $7 is null then override_reason else concat_ws(E'\\n', override_reason, $7) end,
                 sequence = sequence + ($3 = 'cancelled')::integer, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2
          returning clinic_id, id, version, sequence, booking_id, doctor_id, customer_id, during, old.status as old_status
        )
        insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
        select clinic_id, $4, id::text, version,
               jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id, 'startTime', lower(during), 'endTime', upper(during),
                                  'sequence', sequence, 'oldStatus', old_status), $6
          from changed
        """,
        clinic_id,
        appointment_id,
        status,
        event,
        cancel_reason,
        tracing.traceparent(),
        late_because,
    )


async def move(
    tx: Statements, *, clinic_id: int, appointment_id: UUID, wish: Wish, override_reason: str | None, now: datetime
) -> bool:
    """Move a locked appointment in place; it may overlap its own old time. What was published for it alone is
    withdrawn, and what its new hours lack is published where hours are set aside.

    False where the customer has left, or has an appointment then that staff made beside others. Raises
    `ExclusionViolationError` or `ForeignKeyViolationError`.
    """
    return await tx.fetchval(
        """
        with gone as materialized (
          delete from booking_slot s using appointment a
           where a.clinic_id = $1 and a.id = $2 and (a.needs_rebooking or 'outside-hours' = any(a.overridden))
             and (a.doctor_id <> $3 or a.during <> tstzrange($4, $5))
             and s.clinic_id = $1 and s.doctor_id = a.doctor_id and s.remnant and s.active_during <@ a.during
          returning s.clinic_id, s.id, s.version, s.doctor_id, s.during, s.source
        ), made as (
          insert into booking_slot (clinic_id, id, doctor_id, date, during, source, remnant)
          select $1, mint_id($1), $3, (lower(piece) at time zone c.time_zone)::date, piece, 'manual', true
            from clinic c,
                 unnest(tstzmultirange(tstzrange($4, $5))
                        - coalesce((select range_agg(s.active_during) from booking_slot s
                                     where s.clinic_id = $1 and s.doctor_id = $3 and s.active_during && tstzrange($4, $5)
                                       and s.id not in (select id from gone)), '{}')) as piece
           where c.id = $1 and 'outside-hours' = any($10::text[])
          returning clinic_id, id, version, doctor_id, during
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, type, id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during))
            from (select clinic_id, 'slot.withdrawn' as type, id, version, doctor_id, during from gone where source = 'manual'
                  union all
                  select clinic_id, 'slot.published', id, version, doctor_id, during from made) as slots
        ), changed as (
          update appointment
             set doctor_id = $3, during = tstzrange($4, $5), claimed = tstzrange($6, $7), version = version + 1, updated_at = now(),
                 sequence = sequence + (doctor_id <> $3 or during <> tstzrange($4, $5))::integer, rescheduled_at = $9,
                 needs_rebooking = needs_rebooking and doctor_id = $3 and during = tstzrange($4, $5), overridden = $10, override_reason = $11
           where clinic_id = $1 and id = $2 and exists (select from customer c where c.id = appointment.customer_id and c.active)
             and ('customer-busy' = any($10)
                  or not exists (select from appointment o
                                  where o.clinic_id = $1 and o.customer_id = appointment.customer_id and o.id <> $2 and 'customer-busy' = any(o.overridden)
                                    and o.active_during && tstzrange($4, $5)))
          returning clinic_id, id, version, sequence, booking_id, doctor_id, customer_id, during, old.doctor_id as old_doctor_id, old.during as old_during
        ), moved as (
          insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
          select clinic_id, 'appointment.rescheduled', id::text, version,
                 jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id, 'startTime', lower(during), 'endTime', upper(during),
                                    'sequence', sequence, 'oldDoctorId', old_doctor_id, 'oldStartTime', lower(old_during), 'oldEndTime', upper(old_during)), $8
            from changed
        )
        select exists (select from changed)
        """,
        clinic_id,
        appointment_id,
        wish.doctor_id,
        wish.start,
        wish.end,
        wish.claimed_from,
        wish.claimed_until,
        tracing.traceparent(),
        now,
        list(wish.overridden),
        override_reason,
    )


async def withdraw_remnant(tx: Statements, *, clinic_id: int, doctor_id: UUID, start: datetime, end: datetime) -> None:
    """Take away what is published for one appointment alone. Raises `ForeignKeyViolationError` while one stands on it."""
    await tx.execute(
        """
        with gone as (
          delete from booking_slot where clinic_id = $1 and doctor_id = $2 and remnant and active_during <@ tstzrange($3, $4)
          returning clinic_id, id, version, doctor_id, during, source
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'slot.withdrawn', id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during))
          from gone
         where source = 'manual'
        """,
        clinic_id,
        doctor_id,
        start,
        end,
    )


async def expire_holds(db: Statements, *, now: datetime, most: int) -> int:
    """Cancel holds that have run out, across clinics; returns how many. Several workers may do so at once."""
    return await db.fetchval(
        """
        with due as (
          select clinic_id, id from appointment
           where status = 'pending' and hold_expires_at <= $1
           order by hold_expires_at
           limit $2
             for update skip locked
        ), expired as (
          update appointment a
             set status = 'cancelled', hold_expires_at = null, cancel_reason = 'hold-expired', only_held = true, needs_rebooking = false, sequence = sequence + 1,
                 version = version + 1, updated_at = now()
            from due
           where a.clinic_id = due.clinic_id and a.id = due.id
          returning a.clinic_id, a.id, a.version, a.sequence, a.booking_id, a.doctor_id, a.customer_id, a.during
        ), withdrawn as (
          delete from booking_slot s using expired e
           where s.clinic_id = e.clinic_id and s.doctor_id = e.doctor_id and s.remnant and s.active_during <@ e.during
          returning s.clinic_id, s.id, s.version, s.doctor_id, s.during, s.source
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'slot.withdrawn', id::text, version, jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during))
            from withdrawn
           where source = 'manual'
          union all
          select clinic_id, 'appointment.hold-expired', id::text, version,
                 jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id, 'startTime', lower(during), 'endTime', upper(during),
                                    'sequence', sequence)
            from expired
        ), recorded as (
          insert into audit_unsealed (clinic_id, actor, action, subjects) select clinic_id, 'system', 'expireHold', array[id::text] from expired
        )
        select count(*) from expired
        """,
        now,
        most,
    )


async def of_clinic(
    db: Statements,
    *,
    clinic_id: int,
    first: date | None,
    last: date | None,
    doctor_ids: Sequence[UUID] | None,
    customer_id: UUID | None,
    status: Status | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """A clinic's appointments on local dates, earliest first; one more than `limit` when the list goes on."""
    start, id = after or (None, None)
    return await db.fetch(
        """
        select * from shown_appointment s
         where s.clinic_id = $1
           and s.start_time >= greatest((select local_instant($2, 0, time_zone) from clinic where id = $1), $7, '-infinity')
           and s.start_time < coalesce((select local_instant($3::date + 1, 0, time_zone) from clinic where id = $1), 'infinity')
           and ($4::uuid[] is null or s.doctor_id = any($4))
           and ($5::uuid is null or s.customer_id = $5)
           and ($6::text is null or s.status = $6)
           and ($7::timestamptz is null or (s.start_time, s.id) > ($7, $8::uuid))
         order by s.start_time, s.id
         limit $9 + 1
        """,
        clinic_id,
        first,
        last,
        doctor_ids,
        customer_id,
        status,
        start,
        id,
        limit,
    )


async def of_customer(
    db: Statements, *, customer_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Row]:
    """A customer's appointments at all clinics, earliest first; one more than `limit` when the list goes on."""
    start, id = after or (None, None)
    return await db.fetch(
        """
        select * from shown_appointment
         where customer_id = $1
           and start_time >= coalesce($2::timestamptz, '-infinity')
           and ($2::timestamptz is null or (start_time, id) > ($2, $3::uuid))
         order by start_time, id
         limit $4 + 1
        """,
        customer_id,
        start,
        id,
        limit,
    )


async def visits_of_customers(db: Statements, *, customer_ids: Sequence[UUID], now: datetime, most: int) -> list[Row]:
    """The customers' appointments at all clinics and those that they booked, `for_whom`, with the names that they know
    things by: the next to come and the last before, of each so many at most."""
    return await db.fetch(
        """
        with theirs as not materialized (
          select clinic_id, id, customer_id, doctor_id, appointment_type_id, during, status from appointment where customer_id = any($1)
           union all
          select clinic_id, id, customer_id, doctor_id, appointment_type_id, during, status from appointment where booker_id = any($1) and customer_id <> all($1)
        ), visit as (
          (select * from theirs where lower(during) >= $2 order by lower(during), id limit $3)
          union all
          (select * from theirs where lower(during) < $2 order by lower(during) desc, id limit $3)
        )
        select v.id, v.clinic_id, lower(v.during) as start_time, upper(v.during) as end_time, c.time_zone, v.status, c.name as clinic, c.slug, c.active,
               d.name as doctor, t.name as type, p.name as for_whom
          from visit v
          join clinic c on c.id = v.clinic_id
          join customer p on p.id = v.customer_id
          join doctor d on d.clinic_id = v.clinic_id and d.id = v.doctor_id
          left join appointment_type t on t.clinic_id = v.clinic_id and t.id = v.appointment_type_id
         order by start_time, v.id
        """,
        customer_ids,
        now,
        most,
    )
