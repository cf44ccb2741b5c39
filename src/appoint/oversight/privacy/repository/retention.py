"""Find personal data whose retention period has ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ....database.pool import Statements, to
from ..model import RetainedRecord


class RetentionLimits(NamedTuple):
    """The times before which a clinic no longer retains data."""

    clinic_id: int
    patients_before: datetime | None
    """The clinic erases patients without a visit since then; None if it does not erase any."""
    messages_before: datetime


async def limits(db: Statements, *, now: datetime) -> list[RetentionLimits]:
    """Return all clinics' limits."""
    rows = await db.fetch(
        """
        select id as clinic_id, $1::timestamptz - make_interval(months => retain_patients_months) as patients_before,
               $1::timestamptz - make_interval(days => retain_messages_days) as messages_before
          from clinic
         order by id
        """,
        now,
    )
    return [RetentionLimits(*row) for row in rows]


async def departed_patients(tx: Statements, *, clinic_id: int, before: datetime, after: UUID, limit: int) -> list[UUID]:
    """Return and lock the clinic's patients without an appointment since `before` under any of their joined records,
    in id order, starting after `after`.

    Patients locked by other transactions are left for the next night.
    """
    rows = await tx.fetch(
        """
        select p.customer_id
          from patient p
          join customer c on c.id = p.customer_id and (c.erased_at is null or p.outlives_customer)
         where p.clinic_id = $1 and p.created_at < $2 and p.customer_id > $3
           and not exists (select from appointment a
                            where a.clinic_id = $1 and a.customer_id = p.customer_id and upper(a.during) > $2)
           and not exists (select from appointment a  -- under the same person's other records
                            where a.clinic_id = $1 and a.person_id = p.main_id
                              and a.person_id <> '00000000-0000-0000-0000-000000000000' and upper(a.during) > $2)
         order by p.customer_id
         limit $4
           for update of p skip locked
        """,
        clinic_id,
        before,
        after,
        limit,
    )
    return [row.customer_id for row in rows]


async def retained_records(
    tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int], now: datetime
) -> list[RetainedRecord]:
    """Return the clinics' records about the customer that must outlive an erasure requested by the customer: those in
    which the clinic has written something and whose retention period has not ended."""
    rows = await tx.fetch(
        """
        select p.clinic_id, c.name as clinic, kept.until
          from patient p
          join clinic c on c.id = p.clinic_id
         cross join lateral (
           select bool_or(a.notes is not null or a.override_reason is not null
                          or a.cancel_reason is not null and a.cancel_cause is distinct from 'hold-expired') as noted,
                  greatest(p.created_at, max(upper(a.during)))
                  + make_interval(months => c.retain_patients_months) as until
             from appointment a
            where a.clinic_id = p.clinic_id and a.customer_id = $1) as kept
         where p.clinic_id = any($2) and p.customer_id = $1
           and (num_nonnulls(p.record_number, p.notes) > 0 or kept.noted)
           and (kept.until is null or kept.until > $3)
         order by p.clinic_id
        """,
        customer_id,
        clinic_ids,
        now,
    )
    return [to(RetainedRecord, row) for row in rows]


async def is_retained(tx: Statements, customer_id: UUID, *, clinic_ids: Sequence[int], now: datetime) -> bool:
    """Return whether erasing the customer must wait: a clinic still retains them, they have booked for someone else
    within its retention period, they are signed in, or they have booked in another cell, where a clinic may."""
    return await tx.fetchval(
        """
        select exists (select from patient p
                         join clinic c on c.id = p.clinic_id
                        where p.clinic_id = any($2) and p.customer_id = $1
                          and (c.retain_patients_months is null
                               or p.created_at >= $3::timestamptz - make_interval(months => c.retain_patients_months)
                               or exists (select from appointment a
                                           where a.clinic_id = p.clinic_id and a.customer_id = $1
                                             and upper(a.during) > $3::timestamptz
                                                 - make_interval(months => c.retain_patients_months))))
            or exists (select from appointment a
                         join clinic c on c.id = a.clinic_id
                        where a.booker_id = $1
                          and (c.retain_patients_months is null
                               or upper(a.during) > $3::timestamptz
                                  - make_interval(months => c.retain_patients_months)))
            or exists (select from session where customer_id = $1 and expires_at > $3)
            or exists (select from customer_copy where customer_id = $1)
        """,
        customer_id,
        clinic_ids,
        now,
    )
