"""What is asked of all tables that know something of a person. It goes through all clinics: a customer is the
platform's."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...database.pool import Row, Statements


async def clinics_of(db: Statements, customer_id: UUID) -> list[int]:
    """The clinics whose patient they are: those where they have, or had, appointments, or that have noted something."""
    rows = await db.fetch(
        "select clinic_id from appointment where customer_id = $1 union select clinic_id from patient where noted_id = $1 order by 1",
        customer_id,
    )
    return [row.clinic_id for row in rows]


# everything in one piece


async def patients(db: Statements, customer_id: UUID, *, clinic_ids: Sequence[int]) -> list[Row]:
    return await db.fetch(
        """
        select p.clinic_id, c.name as clinic, p.record_number, p.notes, p.created_at, p.updated_at
          from patient p
          join clinic c on c.id = p.clinic_id
         where p.clinic_id = any($2) and p.customer_id = $1
         order by p.clinic_id
        """,
        customer_id,
        clinic_ids,
    )


async def appointments(db: Statements, customer_id: UUID, *, most: int) -> list[Row]:
    """Newest first: theirs, and those that they booked for others."""
    return await db.fetch(
        """
        with theirs as (
          select * from appointment where customer_id = $1 union select * from appointment where booker_id = $1
        )
        select a.id, a.booking_id, a.clinic_id, c.name as clinic, a.customer_id, a.booker_id, d.name as doctor, t.name as appointment_type,
               lower(a.during) as start_time, upper(a.during) as end_time, c.time_zone, a.status, a.price_amount, a.price_currency,
               case when a.customer_id = $1 then a.notes end as notes, case when a.customer_id = $1 then a.cancel_reason end as cancel_reason,
               case when a.customer_id = $1 then a.override_reason end as override_reason, a.created_at, a.updated_at
          from theirs a
          join clinic c on c.id = a.clinic_id
          join doctor d on d.clinic_id = a.clinic_id and d.id = a.doctor_id
          left join appointment_type t on t.clinic_id = a.clinic_id and t.id = a.appointment_type_id
         order by start_time desc, a.id
         limit $2
        """,
        customer_id,
        most,
    )


async def notifications(db: Statements, customer_id: UUID, *, most: int) -> list[Row]:
    """Newest first."""
    return await db.fetch(
        """
        select clinic_id, kind, channel, subject_id, status, reason, created_at, sent_at, delivered_at
          from notification
         where recipient = 'customer' and recipient_id = $1::uuid::text
         order by created_at desc
         limit $2
        """,
        customer_id,
        most,
    )


async def sessions(db: Statements, customer_id: UUID) -> list[Row]:
    return await db.fetch(
        "select created_at, seen_at, expires_at from session where customer_id = $1 order by created_at", customer_id
    )


async def audit(db: Statements, *, subjects: Sequence[str], most: int) -> list[Row]:
    """Who has changed or seen them or their appointments, newest first."""
    return await db.fetch(
        """
        (select at, clinic_id, actor, action, subjects, address, reason from audit_unsealed where subjects && $1 order by at desc limit $2)
        union all
        (select at, clinic_id, actor, action, subjects, address, reason from audit_entry where subjects && $1 order by at desc limit $2)
        order by at desc
        limit $2
        """,
        subjects,
        most,
    )


async def events(db: Statements, customer_id: UUID, *, subjects: Sequence[str], most: int) -> list[Row]:
    """What is still kept of what happened to them, newest first."""
    return await db.fetch(
        """
        select created_at as at, clinic_id, type, subject_id from event where subject_id = any($2) or data ->> 'customerId' = $1::uuid::text
        union all
        select created_at, clinic_id, type, subject_id from event_log where subject_id = any($2) or data ->> 'customerId' = $1::uuid::text
        order by at desc
        limit $3
        """,
        customer_id,
        subjects,
        most,
    )


# none of it any more


async def lock_traces(tx: Statements, customer_id: UUID) -> None:
    """Nobody changes the customer's appointments until the transaction ends: who notes something about one waits, and
    finds the customer erased."""
    await tx.execute(
        "select from appointment where customer_id = $1 order by clinic_id, id for no key update", customer_id
    )


async def erase_patients(tx: Statements, customer_id: UUID) -> int:
    done = await tx.execute(
        "update patient set record_number = null, notes = null, version = version + 1, updated_at = now() where noted_id = $1",
        customer_id,
    )
    return _count(done)


async def erase_appointments(tx: Statements, customer_id: UUID) -> int:
    """Who came when to whom stays, and what it cost; where a reason must stand, a word that says nothing does."""
    done = await tx.execute(
        """
        update appointment
           set notes = null, cancel_reason = case when cancel_cause = 'hold-expired' then cancel_reason end,
               override_reason = case when override_reason is not null then '(erased)' end,
               idempotency_caller = null, idempotency_key = null, request_digest = null, version = version + 1, updated_at = now()
         where customer_id = $1
           and (num_nonnulls(notes, idempotency_key) > 0 or override_reason <> '(erased)'
                or cancel_reason is not null and cancel_cause is distinct from 'hold-expired')
        """,
        customer_id,
    )
    return _count(done)


async def erase_notifications(tx: Statements, customer_id: UUID) -> int:
    """What waits is not sent any more, and of what was sent the provider's id, by which it can be found there, is
    forgotten."""
    done = await tx.execute(
        """
        update notification
           set status = case when status in ('queued', 'leased') then 'superseded' else status end,
               reason = case when status in ('queued', 'leased') then 'the customer was erased' else reason end,
               leased_until = null, provider_id = null, version = version + 1, updated_at = now()
         where recipient = 'customer' and recipient_id = $1::uuid::text and (status in ('queued', 'leased') or provider_id is not null)
        """,
        customer_id,
    )
    return _count(done)


async def erase_messages(tx: Statements, customer_id: UUID) -> int:
    return _count(await tx.execute("delete from dev_message where customer_id = $1", customer_id))


async def erase_preferences(tx: Statements, customer_id: UUID) -> int:
    return _count(await tx.execute("delete from notification_preference where customer_id = $1", customer_id))


async def erase_sessions(tx: Statements, customer_id: UUID) -> int:
    return _count(await tx.execute("delete from session where customer_id = $1", customer_id))


async def erase_sign_in_codes(tx: Statements, customer_id: UUID) -> int:
    return _count(await tx.execute("delete from sign_in_code where $1 = any(customer_ids)", customer_id))


async def erase_requests(tx: Statements, customer_id: UUID) -> int:
    """Digests of what registered them."""
    return _count(await tx.execute("delete from request_key where answer = to_jsonb($1::uuid::text)", customer_id))


async def erase_customer(
    tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int], traceparent: str | None, now: datetime
) -> None:
    """An empty row stays. The platform and the clinics are told."""
    await tx.execute(
        """
        with erased as (
          update customer
             set name = '(erased)', email = null, phone = null, locale = null, time_zone = null, birth_date = null,
                 active = false, removed_at = coalesce(removed_at, $2), erased_at = $2, version = version + 1, updated_at = now()
           where id = $1
          returning id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data, traceparent)
        select told, 'customer.erased', id::text, version, jsonb_build_object('customerId', id), $4 from erased cross join unnest(0 || $3::int[]) as told
        """,
        customer_id,
        now,
        clinic_ids,
        traceparent,
    )


async def erase_others_messages(tx: Statements, *, clinic_ids: Sequence[int]) -> None:
    """What doctors and staff of those clinics got in the mailbox of development: lists of appointments have names in
    them."""
    await tx.execute(
        """
        delete from dev_message d
         using notification n
         where n.clinic_id = any($1) and n.recipient in ('doctor', 'staff') and n.id::text = split_part(d.token, '.', 1)
        """,
        clinic_ids,
    )


# no longer than a clinic keeps it


async def periods(db: Statements, *, now: datetime) -> list[Row]:
    """Of each clinic, before when patients must have come last to be forgotten (null: none are), and before when
    messages were planned that are forgotten."""
    return await db.fetch(
        """
        select id as clinic_id, $1::timestamptz - make_interval(months => retain_patients_months) as patients_before,
               $1::timestamptz - make_interval(days => retain_messages_days) as messages_before
          from clinic
         order by id
        """,
        now,
    )


async def forget_notifications(db: Statements, *, clinic_id: int, before: UUID, now: datetime, most: int) -> int:
    """Those with ids before that one, of which nothing can leave any more, the oldest first. Several workers may do so
    at once."""
    done = await db.execute(
        """
        delete from notification
         where clinic_id = $1
           and id = any(array(select id from notification
                               where clinic_id = $1 and id < $2 and expires_at <= $3
                               order by id
                               limit $4
                                 for update skip locked))
        """,
        clinic_id,
        before,
        now,
        most,
    )
    return _count(done)


async def forget_messages(db: Statements, *, before: datetime) -> int:
    """The mailbox of development's."""
    return _count(await db.execute("delete from dev_message where created_at < $1", before))


async def departed(tx: Statements, *, clinic_id: int, before: datetime, after: UUID, most: int) -> list[UUID]:
    """Patients of the clinic who have had no appointment there since then, and have none, from a place in the list on;
    they are locked. Those whom somebody else has locked are left to the next night."""
    rows = await tx.fetch(
        """
        select p.customer_id
          from patient p
          join customer c on c.id = p.customer_id and c.erased_at is null
         where p.clinic_id = $1 and p.created_at < $2 and p.customer_id > $3
           and not exists (select from appointment a where a.clinic_id = $1 and a.customer_id = p.customer_id and upper(a.during) > $2)
         order by p.customer_id
         limit $4
           for update of p skip locked
        """,
        clinic_id,
        before,
        after,
        most,
    )
    return [row.customer_id for row in rows]


async def forget_patients(tx: Statements, *, clinic_id: int, customer_ids: Sequence[UUID]) -> list[UUID]:
    """What the clinic has noted of them goes; returns of whom there was something."""
    rows = await tx.fetch(
        """
        update patient set record_number = null, notes = null, version = version + 1, updated_at = now()
         where clinic_id = $1 and customer_id = any($2) and noted_id is not null
        returning customer_id
        """,
        clinic_id,
        customer_ids,
    )
    return [row.customer_id for row in rows]


async def forget_appointments(tx: Statements, *, clinic_id: int, customer_ids: Sequence[UUID]) -> list[UUID]:
    """What was noted with their appointments goes; returns with which there was something."""
    rows = await tx.fetch(
        """
        update appointment
           set notes = null, cancel_reason = case when cancel_cause = 'hold-expired' then cancel_reason end,
               override_reason = case when override_reason is not null then '(erased)' end, version = version + 1, updated_at = now()
         where clinic_id = $1 and customer_id = any($2)
           and (notes is not null or override_reason <> '(erased)'
                or cancel_reason is not null and cancel_cause is distinct from 'hold-expired')
        returning id
        """,
        clinic_id,
        customer_ids,
    )
    return [row.id for row in rows]


async def is_kept(tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int], now: datetime) -> bool:
    """Whether a clinic still keeps them, they have booked for somebody else within its period, or they are signed in."""
    return await tx.fetchval(
        """
        select exists (select from patient p
                         join clinic c on c.id = p.clinic_id
                        where p.clinic_id = any($2) and p.customer_id = $1
                          and (c.retain_patients_months is null
                               or p.created_at >= $3::timestamptz - make_interval(months => c.retain_patients_months)
                               or exists (select from appointment a
                                           where a.clinic_id = p.clinic_id and a.customer_id = $1
                                             and upper(a.during) > $3::timestamptz - make_interval(months => c.retain_patients_months))))
            or exists (select from appointment a
                         join clinic c on c.id = a.clinic_id
                        where a.booker_id = $1
                          and (c.retain_patients_months is null or upper(a.during) > $3::timestamptz - make_interval(months => c.retain_patients_months)))
            or exists (select from session where customer_id = $1 and expires_at > $3)
        """,
        customer_id,
        clinic_ids,
        now,
    )


def _count(done: str) -> int:
    """Of PostgreSQL's command tag."""
    return int(done.rsplit(" ", 1)[-1])
