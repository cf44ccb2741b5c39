"""Read the facts that explain a refusal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from ...database.pool import Statements
from ..availability.model import Range
from ..bounds import NEWCOMER_PERIOD
from ..planning import BookingPlan, SlotTime
from ..time_rules import BookingLimits


async def find_busy_times(
    db: Statements, *, clinic_id: int, customer_ids: Sequence[UUID], start: datetime, end: datetime
) -> dict[UUID, list[Range]]:
    """Return each active customer's appointment times at this clinic within `[start, end)`, under all records that the
    clinic has joined. Omit unknown and inactive customers."""
    rows = await db.fetch(
        """
        select c.id,
               (select range_agg(a.active_during)
                  from appointment a
                 where a.clinic_id = $1 and a.customer_id = any(array(select customers_joined($1, c.id)))
                   and a.active_during && tstzrange($3, $4)) as ranges
          from customer c
         where c.id = any($2) and c.active
        """,
        clinic_id,
        customer_ids,
        start,
        end,
    )
    return {row.id: [(range.lower, range.upper) for range in row.ranges or ()] for row in rows}


async def find_remnants(
    db: Statements, *, clinic_id: int, doctor_id: UUID, start: datetime, end: datetime
) -> list[UUID]:
    """Return the slots within `[start, end)` that exist only for a single appointment."""
    rows = await db.fetch(
        """
        select id
          from booking_slot
         where clinic_id = $1 and doctor_id = $2 and remnant and active_during <@ tstzrange($3, $4)
        """,
        clinic_id,
        doctor_id,
        start,
        end,
    )
    return [row.id for row in rows]


async def count_upcoming(
    db: Statements, *, clinic_id: int, customer_ids: Sequence[UUID], now: datetime
) -> dict[UUID, BookingLimits]:
    """Return how many upcoming live appointments each customer has at this clinic, under all records that the clinic
    has joined, and how many of them are holds."""
    rows = await db.fetch(
        """
        select c.id as customer_id, count(*) as appointments, count(*) filter (where a.status = 'pending') as holds
          from unnest($2::uuid[]) as c (id)
          join appointment a
            on a.clinic_id = $1 and a.customer_id = any(array(select customers_joined($1, c.id)))
           and lower(a.during) >= $3 and a.active_during is not null
         group by c.id
        """,
        clinic_id,
        customer_ids,
        now,
    )
    return {row.customer_id: BookingLimits(row.appointments, row.holds) for row in rows}


async def has_joined(db: Statements, *, clinic_id: int, customer_ids: Sequence[UUID]) -> bool:
    """Return whether the clinic has joined any of these customers' records with others."""
    return await db.fetchval(
        """
        select exists (select
                         from unnest($2::uuid[]) as c (id)
                        where exists (select from customers_joined($1, c.id) as joined where joined <> c.id))
        """,
        clinic_id,
        customer_ids,
    )


async def list_unreachable(db: Statements, *, customer_ids: Sequence[UUID], booker_ids: Sequence[UUID]) -> list[int]:
    """Return the positions of the customers whose messages would not reach their booker, because their addresses
    differ or the booker has none."""
    rows = await db.fetch(
        """
        select position::integer - 1 as position
          from unnest($1::uuid[], $2::uuid[]) with ordinality as request (customer_id, booker_id, position)
         where not shares_address(customer_id, booker_id)
         order by position
        """,
        customer_ids,
        booker_ids,
    )
    return [row.position for row in rows]


async def find_slot_end(
    db: Statements, *, clinic_id: int, doctor_id: UUID, start: datetime, step: timedelta
) -> datetime | None:
    """Return the end of the published slot that contains the time, or None if no slot does or the time is not a whole
    number of steps after the slot's start."""
    return await db.fetchval(
        """
        select upper(active_during)
          from booking_slot
         where clinic_id = $1 and doctor_id = $2 and active_during @> $3::timestamptz
           and extract(epoch from $3 - lower(active_during)) % $4 = 0
        """,
        clinic_id,
        doctor_id,
        start,
        int(step.total_seconds()),
    )


async def exceeded_stranger_bound(db: Statements, plan: BookingPlan) -> str | None:
    """Return which limit for strangers and new patients a plan would exceed: `holds`, for holds, which expire within
    minutes, or `day`, for what can be taken within a day. Return None if it stays within both."""
    if plan.origin is None:
        return None
    return await db.fetchval(
        """
        select case when not exists (select from customer where id = $7 and created_at <= $8)
                     and not exists (select
                                       from appointment
                                      where clinic_id = $1 and customer_id = $7 and lower(during) < $6
                                        and status in ('booked', 'arrived', 'checked-in', 'fulfilled'))
                    then exceeded_stranger_bound($1, $2::stranger_origin, $3, $4, $5, $6) end
        """,
        plan.catalogue.clinic_id,
        plan.origin,
        list({spec.customer_id for spec in plan.specs}),
        len(plan.specs),
        ceil(sum((spec.claimed_until - spec.claimed_from for spec in plan.specs), timedelta()) / timedelta(minutes=1)),
        plan.now,
        plan.signed_in_id,
        plan.now - NEWCOMER_PERIOD,
    )


async def find_slot_times(db: Statements, *, clinic_id: int, slot_ids: Sequence[UUID]) -> dict[UUID, SlotTime]:
    """Return the booking slots, including removed ones."""
    rows = await db.fetch(
        """
        select id, doctor_id, lower(during) as start, upper(during) as "end"
          from booking_slot
         where clinic_id = $1 and id = any($2)
        """,
        clinic_id,
        slot_ids,
    )
    return {row.id: SlotTime(row.doctor_id, row.start, row.end) for row in rows}
