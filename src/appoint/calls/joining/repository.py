"""SQL for joining calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Row, Statements, affected, to
from ...database.sql import load
from ...kit.ids import clinic_of
from ..providers.model import CLOSES_AFTER, Gateway
from ..rooms.model import State
from .model import BoardCall, Call, JoinWindow, Visit

FIND_VISIT: Final = load(__name__, "find_visit")
MARK_WAITING: Final = load(__name__, "mark_waiting")
OPEN_CALL: Final = load(__name__, "open_call")


async def find_visit(db: Statements, appointment_id: UUID) -> Visit | None:
    row = await db.fetchrow(FIND_VISIT, clinic_id=clinic_of(appointment_id), appointment_id=appointment_id)
    if row is None:
        return None
    return to(Visit, row, call=to(Call, row) if row.id else None)


async def find_appointment_id(db: Statements, call_id: UUID) -> UUID | None:
    return await db.fetchval(
        "select appointment_id from call where clinic_id = $1 and id = $2", clinic_of(call_id), call_id
    )


async def list_join_windows(
    db: Statements, appointment_ids: Sequence[UUID], *, default_gateway: Gateway | None, now: datetime
) -> list[JoinWindow]:
    """Return when people can join those of these appointments that are video visits and not over, at any clinic."""
    rows = await db.fetch(
        """
        select a.id, lower(a.during) - make_interval(mins => coalesce(s.opens_before_minutes, 15)),
               upper(a.during) + $3::interval, coalesce(s.phone, c.phone)
          from unnest($1::integer[], $2::uuid[]) as given (clinic_id, id)
          join clinic c on c.id = given.clinic_id
          join appointment a on a.clinic_id = given.clinic_id and a.id = given.id
          join appointment_type t on t.clinic_id = given.clinic_id and t.id = a.appointment_type_id
          left join call_settings s on s.clinic_id = given.clinic_id
         where t.mode = 'online' and coalesce(s.gateway, $4::text) <> 'off'
           and a.status in ('booked', 'arrived', 'checked-in', 'fulfilled') and upper(a.during) > $5::timestamptz - $3
        """,
        [clinic_of(each) for each in appointment_ids],
        appointment_ids,
        CLOSES_AFTER,
        default_gateway,
        now,
    )
    return [JoinWindow(*row) for row in rows]


async def list_on_board(db: Statements, *, clinic_id: int, appointment_ids: Sequence[UUID]) -> list[BoardCall]:
    """Return the latest call of each of these appointments, including calls that have ended."""
    rows = await db.fetch(
        """
        select distinct on (appointment_id)
               appointment_id, case when state in ('wanted', 'made', 'dead') then waiting_since end as waiting_since,
               state = 'dead' as failed, live_appointment_id is null as ended
          from call
         where clinic_id = $1 and appointment_id = any($2)
         order by appointment_id, sequence desc
        """,
        clinic_id,
        appointment_ids,
    )
    return [to(BoardCall, row) for row in rows]


async def list_calls(
    db: Statements, *, clinic_id: int, state: State | None, after: UUID | None, limit: int
) -> list[Row]:
    """Return a clinic's live calls, plus one beyond `limit` if there is a next page."""
    return await db.fetch(
        """
        select c.id, c.appointment_id, a.doctor_id, c.state, lower(c.during) as start_time, c.error as reason
          from call c
          join appointment a on a.clinic_id = $1 and a.id = c.appointment_id
         where c.clinic_id = $1 and c.live_appointment_id is not null and ($2::text is null or c.state = $2)
           and ($3::uuid is null or c.id > $3)
         order by c.id
         limit $4 + 1
        """,
        clinic_id,
        state,
        after,
        limit,
    )


async def mark_waiting(tx: Statements, call_id: UUID, *, now: datetime) -> None:
    """Record that the patient is waiting, unless it is recorded already."""
    await tx.execute(MARK_WAITING, clinic_id=clinic_of(call_id), call_id=call_id, now=now)


async def open_call(tx: Statements, call_id: UUID, *, now: datetime) -> bool:
    """Record that the doctor has joined. Return False if the call has no room."""
    return await tx.fetchval(OPEN_CALL, clinic_id=clinic_of(call_id), call_id=call_id, now=now)


async def record_patient(tx: Statements, call_id: UUID, *, now: datetime) -> bool:
    """Record that the patient has joined. Return False unless the call is open."""
    tag = await tx.execute(
        """
        update call set patient_joined_at = coalesce(patient_joined_at, $3)
         where clinic_id = $1 and id = $2 and state = 'open'
        """,
        clinic_of(call_id),
        call_id,
        now,
    )
    return affected(tag) == 1


async def set_delay(tx: Statements, call_id: UUID, minutes: int | None) -> bool:
    """Set how late the doctor is running. Return False if the call has ended."""
    tag = await tx.execute(
        """
        update call set delay_minutes = $3, version = version + 1
         where clinic_id = $1 and id = $2 and live_appointment_id is not null
        """,
        clinic_of(call_id),
        call_id,
        minutes,
    )
    return affected(tag) == 1


async def request_end(tx: Statements, call_id: UUID, *, now: datetime) -> bool:
    """Let a job end the room. Return False if it is ending already."""
    tag = await tx.execute(
        """
        update call
           set state = 'ending', due_at = greatest($3, leased_until), tries = 0, version = version + 1, updated_at = $3
         where clinic_id = $1 and id = $2 and live_appointment_id is not null
        """,
        clinic_of(call_id),
        call_id,
        now,
    )
    return affected(tag) == 1


async def renew(tx: Statements, call_id: UUID, *, gateway: Gateway, now: datetime) -> bool:
    """Let a job create the room at this gateway now. If Appoint has given up on the room, or the call has been ended,
    start again, and empty the waiting room. Return False for any other call, unless the last attempt to create its room
    has failed. The reason for that stays until the next attempt, and the doctor's decision to record for the whole
    visit, because the provider can report a recording of its first part later."""
    tag = await tx.execute(
        """
        update call
           set state = 'wanted', gateway = $4, due_at = greatest($3, leased_until), tries = 0,
               error = case when state in ('wanted', 'dead') and gateway = $4 then error end,
               waiting_since = case when state = 'wanted' then waiting_since end,
               opened_at = null, patient_joined_at = null, doctor_joined_at = null, version = version + 1,
               updated_at = case when state = 'wanted' then updated_at else $3 end
         where clinic_id = $1 and id = $2
           and (state in ('dead', 'ending', 'ended') or state = 'wanted' and error is not null)
        """,
        clinic_of(call_id),
        call_id,
        now,
        gateway,
    )
    return affected(tag) == 1
