"""SQL for calls. Jobs work across all clinics."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, get_args
from uuid import UUID

from ...database.pool import Statements, affected
from ...database.sql import load
from ...kit.ids import clinic_of
from ..providers.failures import FailureCode
from ..providers.model import CLOSES_AFTER, Gateway
from .model import LeasedCall, State

END_OUTDATED: Final = load(__name__, "end_outdated")
WANT_CALLS: Final = load(__name__, "want_calls")
SWITCH_GATEWAY: Final = load(__name__, "switch_gateway")
FIND_DRIFT: Final = load(__name__, "find_drift")
LEASE_DUE: Final = load(__name__, "lease_due")
FINISH: Final = load(__name__, "finish")
MAX_LENGTH: Final = timedelta(days=1)
"""Longer than any appointment, so that an index on starts also finds those that have begun."""
Place = tuple[int, UUID]
"""A clinic's number and the id of one of its appointments."""


async def reconcile(tx: Statements, places: Sequence[Place], *, default_gateway: Gateway | None, now: datetime) -> None:
    """Give these appointments the calls that they need now, and end all others."""
    values = {"clinic_ids": [each[0] for each in places], "appointment_ids": [each[1] for each in places], "now": now}
    await tx.execute(END_OUTDATED, **values, closes_after=CLOSES_AFTER)
    await tx.execute(WANT_CALLS, **values, default_gateway=default_gateway)


async def find_drift(
    db: Statements, *, default_gateway: Gateway | None, ahead: timedelta, now: datetime, limit: int
) -> list[Place]:
    """Return appointments whose calls do not fit them, at all clinics."""
    rows = await db.fetch(
        FIND_DRIFT, default_gateway=default_gateway, closes_after=CLOSES_AFTER, ahead=ahead, now=now, limit=limit
    )
    return [(row.clinic_id, row.appointment_id) for row in rows]


async def list_current_of_type(db: Statements, *, clinic_id: int, type_id: UUID, now: datetime) -> list[Place]:
    """Return an appointment type's appointments that are not over."""
    rows = await db.fetch(
        """
        select clinic_id, id from appointment
         where clinic_id = $1 and appointment_type_id = $2 and lower(during) > $3::timestamptz - $4::interval
           and upper(during) > $3
        """,
        clinic_id,
        type_id,
        now,
        MAX_LENGTH,
    )
    return [(row.clinic_id, row.id) for row in rows]


async def list_current_online(db: Statements, *, clinic_id: int, now: datetime) -> list[Place]:
    """Return a clinic's online appointments that are not over."""
    rows = await db.fetch(
        """
        select a.clinic_id, a.id
          from appointment a
          join appointment_type t on t.clinic_id = $1 and t.id = a.appointment_type_id
         where a.clinic_id = $1 and lower(a.during) > $2::timestamptz - $3::interval and upper(a.during) > $2
           and t.mode = 'online'
        """,
        clinic_id,
        now,
        MAX_LENGTH,
    )
    return [(row.clinic_id, row.id) for row in rows]


async def count_upcoming_online(db: Statements, *, clinic_id: int, now: datetime) -> int:
    """Count a clinic's upcoming online appointments that are booked."""
    return await db.fetchval(
        """
        select count(*)
          from appointment a
          join appointment_type t on t.clinic_id = $1 and t.id = a.appointment_type_id
         where a.clinic_id = $1 and lower(a.during) > $2 and t.mode = 'online'
           and a.status in ('booked', 'arrived', 'checked-in')
        """,
        clinic_id,
        now,
    )


async def switch_gateway(tx: Statements, *, clinic_id: int, gateway: Gateway | None, now: datetime) -> None:
    """Have jobs make new rooms for a clinic's upcoming calls, or end the calls if there is no gateway."""
    await tx.execute(SWITCH_GATEWAY, clinic_id=clinic_id, gateway=gateway, now=now)


async def lease_due(db: Statements, *, now: datetime, lease: timedelta, limit: int) -> list[LeasedCall]:
    """Lease due calls, across all clinics, but only as many as their providers can accept now."""
    rows = await db.fetch(LEASE_DUE, now=now, lease=lease, limit=limit, gateways=list(get_args(Gateway)))
    return [
        LeasedCall(
            row.clinic_id,
            row.id,
            row.appointment_id,
            row.gateway,
            row.state,
            row.tries,
            row.starts_at,
            row.ends_at,
            row.wanted_at,
            row.doctor_id,
            row.token,
        )
        for row in rows
    ]


async def finish(
    db: Statements,
    call: LeasedCall,
    *,
    state: State,
    gateway: Gateway | None = None,
    error: FailureCode | None = None,
    now: datetime,
) -> bool:
    """Record the outcome of a leased call's attempt, and its gateway if that has changed. Return False if the outcome
    no longer counts."""
    return await db.fetchval(
        FINISH,
        clinic_id=call.clinic_id,
        call_id=call.id,
        old_state=call.state,
        tries=call.tries,
        state=state,
        gateway=gateway,
        error=error,
        now=now,
    )


async def postpone(db: Statements, call: LeasedCall, *, due_at: datetime, error: FailureCode) -> None:
    """Let the call be tried again later."""
    await db.execute(
        """
        update call
           set due_at = $5, leased_until = null, error = $6
         where clinic_id = $1 and id = $2 and state = $3 and tries = $4
        """,
        call.clinic_id,
        call.id,
        call.state,
        call.tries,
        due_at,
        error,
    )


async def set_token_count(db: Statements, *, gateway: Gateway, per_second: int) -> None:
    """Set how many requests per second a provider accepts."""
    await db.execute(
        """
        with surplus as (
          delete from call_token where gateway = $1 and number > $2
        )
        insert into call_token (gateway, number) select $1, generate_series(1, $2) on conflict do nothing
        """,
        gateway,
        per_second,
    )


async def take_token(db: Statements, *, gateway: Gateway, lease: timedelta) -> int | None:
    """Take one of a provider's tokens. Return None if none is free, and 0 if the provider has no limit."""
    return await db.fetchval(
        """
        with taken as (
          update call_token set free_at = clock_timestamp() + $2::interval
           where (gateway, number) = (select gateway, number
                                        from call_token
                                       where gateway = $1 and free_at <= clock_timestamp()
                                       limit 1
                                         for update skip locked)
          returning number
        )
        select coalesce((select number from taken),
                        case when not exists (select from call_token where gateway = $1) then 0 end)
        """,
        gateway,
        lease,
    )


async def release_token(db: Statements, *, gateway: Gateway, number: int, after: timedelta) -> None:
    """Make the token available again after the given time."""
    await db.execute(
        "update call_token set free_at = clock_timestamp() + $3::interval where gateway = $1 and number = $2",
        gateway,
        number,
        after,
    )


async def find_unknown(db: Statements, call_ids: Sequence[UUID]) -> set[UUID]:
    """Return the ids that don't belong to any call, across all clinics."""
    rows = await db.fetch(
        """
        select given.id
          from unnest($1::integer[], $2::uuid[]) as given (clinic_id, id)
         where not exists (select from call c where c.clinic_id = given.clinic_id and c.id = given.id)
        """,
        [clinic_of(id) for id in call_ids],
        call_ids,
    )
    return {row.id for row in rows}


async def find_moved(db: Statements, call_ids: Sequence[UUID], *, gateway: Gateway) -> set[UUID]:
    """Return the ids that don't belong to a call in progress at this provider, across all clinics."""
    rows = await db.fetch(
        """
        select given.id
          from unnest($1::integer[], $2::uuid[]) as given (clinic_id, id)
         where not exists (select
                             from call c
                            where c.clinic_id = given.clinic_id and c.id = given.id and c.gateway = $3
                              and c.state in ('open', 'ending'))
        """,
        [clinic_of(id) for id in call_ids],
        call_ids,
        gateway,
    )
    return {row.id for row in rows}


async def end_again(db: Statements, call_ids: Sequence[UUID], *, now: datetime) -> int:
    """Have jobs end these calls' rooms again if the calls have ended, across all clinics. Return how many have."""
    tag = await db.execute(
        """
        update call c
           set state = 'ending', due_at = greatest($3, c.leased_until), tries = 0, updated_at = $3
          from unnest($1::integer[], $2::uuid[]) as given (clinic_id, id)
         where c.clinic_id = given.clinic_id and c.id = given.id and c.state = 'ended'
        """,
        [clinic_of(id) for id in call_ids],
        call_ids,
        now,
    )
    return affected(tag)
