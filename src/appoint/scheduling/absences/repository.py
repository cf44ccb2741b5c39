"""SQL for absences: their table, and the published time that they withdraw.

Queries for appointments look up each customer separately: a plain join would scan all the clinic's patients.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ...database.pool import Row, Statements, to
from ...database.sql import load
from ...kit.ids import clinic_of, new_id
from ...kit.key_ring import EncryptedField, is_unreadable
from .model import Absence, AbsenceContent, AbsenceFilter, AffectedAppointment, Period, Withdrawal

WITHDRAW_SLOTS: Final = load(__name__, "withdraw_slots")


async def find(db: Statements, absence_id: UUID) -> Absence | None:
    """Return an absence, even if it was removed, or None for an unknown id."""
    row = await db.fetchrow(
        """
        select *, lower(during) as start_time, upper(during) as end_time
          from absence
         where clinic_id = $1 and id = $2
        """,
        clinic_of(absence_id),
        absence_id,
    )
    return _absence(db, row) if row else None


def _absence(db: Statements, row: Row) -> Absence:
    return to(Absence, row, reason=db.keys.decrypt(row.reason, EncryptedField.ABSENCE_REASON, row.id))


async def list_by_ids(db: Statements, clinic_id: int, ids: Sequence[UUID]) -> list[Absence]:
    """Return the clinic's absences with these ids, even removed ones."""
    rows = await db.fetch(
        """
        select *, lower(during) as start_time, upper(during) as end_time
          from absence
         where clinic_id = $1 and id = any($2)
        """,
        clinic_id,
        ids,
    )
    return [_absence(db, row) for row in rows]


async def find_closures(db: Statements, clinic_id: int, days: Sequence[date]) -> dict[date, UUID]:
    """Return the given days on which the clinic is closed all day, each with an absence that closes it."""
    rows = await db.fetch(
        """
        select distinct on (k.day) k.day, a.id
          from clinic c
         cross join unnest($2::date[]) as k (day)
          join absence a
            on a.clinic_id = $1 and a.active and a.doctor_id is null
           and a.during @> tstzrange(local_instant(k.day, 0, c.time_zone), local_instant(k.day + 1, 0, c.time_zone))
         where c.id = $1
         order by k.day, a.id
        """,
        clinic_id,
        days,
    )
    return {row.day: row.id for row in rows}


async def list_for_clinic(
    db: Statements, clinic_id: int, query: AbsenceFilter, *, after: tuple[datetime, UUID] | None
) -> list[Absence]:
    """Return the clinic's matching active absences, earliest first, plus one beyond the limit if there is a next
    page."""
    start, absence_id = after or (None, None)
    rows = await db.fetch(
        """
        select *, lower(during) as start_time, upper(during) as end_time
          from absence
         where clinic_id = $1 and active and ($2::timestamptz is null or (lower(during), id) > ($2, $3::uuid))
           and upper(during) > coalesce((select local_instant($5, 0, time_zone) from clinic where id = $1), '-infinity')
           and lower(during)
             < coalesce((select local_instant($6::date + 1, 0, time_zone) from clinic where id = $1), 'infinity')
           and ($7::uuid is null or doctor_id is null or doctor_id = $7)
         order by lower(during), id
         limit $4 + 1
        """,
        clinic_id,
        start,
        absence_id,
        query.limit,
        query.from_,
        query.to,
        query.doctor_id,
    )
    return [_absence(db, row) for row in rows]


async def add(tx: Statements, clinic_id: int, content: AbsenceContent) -> UUID:
    """Insert an absence with its event, and return its id."""
    absence_id = new_id(clinic_id)
    return await tx.fetchval(
        """
        with inserted as (
          insert into absence (clinic_id, id, doctor_id, during, reason)
          values ($1, $2, $3, tstzrange($4, $5), $6)
          returning clinic_id, id, version, doctor_id
        ), events as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'absence.added', id::text, version,
                 jsonb_build_object('doctorId', doctor_id, 'startTime', $4, 'endTime', $5)
            from inserted
        )
        select id from inserted
        """,
        clinic_id,
        absence_id,
        content.doctor_id,
        content.start_time,
        content.end_time,
        tx.keys.encrypt(content.reason, EncryptedField.ABSENCE_REASON, absence_id),
    )


async def change(tx: Statements, absence_id: UUID, content: AbsenceContent) -> None:
    """Update an absence's time and reason, and append an event. A reason that cannot be decrypted stays as it is unless
    it is replaced."""
    await tx.execute(
        """
        with previous as (
          select lower(during) as start_time, upper(during) as end_time from absence where clinic_id = $1 and id = $2
        ), changed as (
          update absence
             set during = tstzrange($3, $4), reason = case when $6 then reason else $5 end, version = version + 1,
                 updated_at = now()
           where clinic_id = $1 and id = $2
          returning clinic_id, id, version, doctor_id
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'absence.changed', id::text, version,
               jsonb_build_object('doctorId', doctor_id, 'startTime', $3, 'endTime', $4,
                                  'oldStartTime', start_time, 'oldEndTime', end_time)
          from changed, previous
        """,
        clinic_of(absence_id),
        absence_id,
        content.start_time,
        content.end_time,
        tx.keys.encrypt(content.reason, EncryptedField.ABSENCE_REASON, absence_id),
        is_unreadable(content.reason),
    )


async def remove(tx: Statements, absence_id: UUID, *, now: datetime) -> None:
    """Mark an absence as removed, and append the event."""
    await tx.execute(
        """
        with removed as (
          update absence
             set active = false, removed_at = $3, version = version + 1, updated_at = now()
           where clinic_id = $1 and id = $2
          returning clinic_id, id, version, doctor_id, during
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'absence.removed', id::text, version,
               jsonb_build_object('doctorId', doctor_id, 'startTime', lower(during), 'endTime', upper(during))
          from removed
        """,
        clinic_of(absence_id),
        absence_id,
        now,
    )


async def withdraw_slots(
    tx: Statements, clinic_id: int, *, doctor_id: UUID | None, start: datetime, end: datetime
) -> Withdrawal:
    """Withdraw the time published in the range, for one doctor or for all. Live appointments in the range keep exactly
    their own time, and need rebooking unless they are over."""
    row = await tx.fetchrow(WITHDRAW_SLOTS, clinic_id=clinic_id, doctor_id=doctor_id, start=start, end=end)
    assert row
    return Withdrawal(row.slots, row.stranded)


async def find_past_or_current(
    db: Statements, clinic_id: int, *, past: bool, before: datetime | None, now: datetime, limit: int
) -> list[Absence]:
    """Return the clinic's active absences: if `past`, those that have ended, latest first; otherwise all others,
    earliest first. `before` excludes absences that begin at that time or later."""
    rows = await db.fetch(
        """
        select *, lower(during) as start_time, upper(during) as end_time
          from absence
         where clinic_id = $1 and active and (upper(during) <= $3) = $2
           and ($4::timestamptz is null or lower(during) < $4)
         order by case when not $2 then lower(during) end, lower(during) desc, id
         limit $5
        """,
        clinic_id,
        past,
        now,
        before,
        limit,
    )
    return [_absence(db, row) for row in rows]


async def find_period(
    db: Statements, clinic_id: int, *, first: date, first_minute: int, last: date, last_minute: int
) -> Period | None:
    """Convert two wall times at the clinic to a period. Return None for an unknown clinic."""
    row = await db.fetchrow(
        """
        select local_instant($2, $3, time_zone) as start, local_instant($4, $5, time_zone) as "end"
          from clinic
         where id = $1
        """,
        clinic_id,
        first,
        first_minute,
        last,
        last_minute,
    )
    return Period(row.start, row.end) if row else None


async def list_within(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, start: datetime, end: datetime, limit: int
) -> list[AffectedAppointment]:
    """Return the live appointments in a range, with one doctor or with all, earliest first, leaving out those that are
    over."""
    rows = await db.fetch(
        """
        select s.id, s.version, s.doctor_id, a.customer_id, s.appointment_type_id, s.start_time, s.end_time,
               c.name as customer_name, c.phone as customer_phone, a.rebook_by, a.rebook_asked_at
          from appointment a
          join shown_appointment s on s.clinic_id = $1 and s.id = a.id
          left join lateral (select name, phone from clinic_customer where id = a.customer_id offset 0) c on true
         where a.clinic_id = $1 and ($2::uuid is null or a.doctor_id = $2)
           and a.active_claim && tstzrange($3, $4) and a.active_during && tstzrange($3, $4) and a.status <> 'fulfilled'
         order by s.start_time, s.id
         limit $5
        """,
        clinic_id,
        doctor_id,
        start,
        end,
        limit,
    )
    return [to(AffectedAppointment, row) for row in rows]


async def list_to_rebook(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, now: datetime, limit: int
) -> list[AffectedAppointment]:
    """Return upcoming live appointments that need rebooking, with one doctor or with all, earliest first."""
    rows = await db.fetch(
        """
        select s.id, s.version, s.doctor_id, a.customer_id, s.appointment_type_id, s.start_time, s.end_time,
               c.name as customer_name, c.phone as customer_phone, a.rebook_by, a.rebook_asked_at
          from appointment a
          join shown_appointment s on s.clinic_id = $1 and s.id = a.id
          left join lateral (select name, phone from clinic_customer where id = a.customer_id offset 0) c on true
         where a.clinic_id = $1 and ($2::uuid is null or a.doctor_id = $2)
           and a.needs_rebooking and a.active_during is not null and a.status <> 'fulfilled' and lower(a.during) > $3
         order by s.start_time, s.id
         limit $4
        """,
        clinic_id,
        doctor_id,
        now,
        limit,
    )
    return [to(AffectedAppointment, row) for row in rows]
