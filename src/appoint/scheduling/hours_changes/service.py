"""Apply changed weekly schedules to published hours."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from ... import audit
from ...database.pool import Statements, Transaction
from ...http import etags
from ...kit import clock, errors
from ...kit.actors import Actor
from ..slots import repository as slots
from ..slots.model import MAX_RANGE_DAYS
from ..weekly_hours import service as schedules
from ..weekly_hours.model import WeeklyScheduleContent
from . import repository
from .model import (
    DoctorsScheduleChangeContent,
    PublicationChanges,
    PublishedHours,
    ScheduleChange,
    ScheduleChangeContent,
    changed_slots,
)

NO_CHANGES: Final = PublicationChanges.of(())


async def preview(
    tx: Statements, *, clinic_id: int, doctor_id: UUID | None, content: ScheduleChangeContent, now: datetime
) -> ScheduleChange:
    """Return the effect that `carry_out` would have on the hours of a doctor, or of all the clinic's doctors, using the
    saved weeks. Change nothing, and never raise `appointments-stranded`.

    Raise `NotFound` for an unknown clinic or doctor.
    """
    dates = await _dates(tx, clinic_id, doctor_id, content, now)
    changes = (
        await repository.fit(tx, clinic_id, doctor_id=doctor_id, first=dates[0], last=dates[1], now=now)
        if dates
        else NO_CHANGES
    )
    return await _describe(tx, clinic_id, changes)


class _Rollback(Exception):
    """Internal signal: roll back the savepoint."""


async def rehearse(
    tx: Transaction,
    *,
    clinic_id: int,
    doctor_id: UUID | None,
    content: ScheduleChangeContent,
    if_match: str | None = None,
    now: datetime,
) -> ScheduleChange:
    """Preview a change whose week may not be saved yet: save it, preview the change and roll back.

    This does not record an audit entry, because callers differ in what they show. Raise the same errors as
    `schedules.save_week`.
    """
    change = ScheduleChange([], [], [], [])
    with suppress(_Rollback):
        async with tx.savepoint():
            await _save_week(tx, doctor_id=doctor_id, content=content, if_match=if_match, now=now)
            change = await preview(tx, clinic_id=clinic_id, doctor_id=doctor_id, content=content, now=now)
            raise _Rollback
    return change


async def carry_out(
    tx: Transaction,
    actor: Actor,
    *,
    clinic_id: int,
    doctor_id: UUID | None,
    content: ScheduleChangeContent,
    if_match: str | None = None,
    now: datetime,
) -> ScheduleChange:
    """Make published slots that have not begun match the weekly schedules, up to the last published date or, with
    `content.publish`, up to the clinic's horizon. Either all of them change or none.

    If the content includes a doctor's week, save it first, raising the same errors as `schedules.save_week`. `if_match`
    refers to that week, or else to the saved one.

    If appointments fall outside the new hours, raise an `appointments-stranded` `Conflict` or, if so requested, let
    them keep exactly their own time and mark them for rebooking. Stranded appointments that the hours cover again no
    longer need rebooking. A concurrent booking either commits first or sees the new hours. Raise `NotFound` for an
    unknown clinic or doctor.
    """
    await slots.share_clinic(tx, clinic_id)
    await repository.stop_bookings(tx, clinic_id, doctor_id=doctor_id)
    await _save_week(tx, doctor_id=doctor_id, content=content, if_match=if_match, now=now)
    dates = await _dates(tx, clinic_id, doctor_id, content, now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[doctor_id] if doctor_id else [])
    if dates is None:
        return await _describe(tx, clinic_id, NO_CHANGES)
    first, last = dates
    await repository.lock_appointments(
        tx, clinic_id, doctor_id=doctor_id, start=_midnight(first, -1), end=_midnight(last, 2)
    )
    changes = await repository.fit(tx, clinic_id, doctor_id=doctor_id, first=first, last=last, now=now)
    if changes.stranded and content.stranded == "refuse":
        appointments = (await _describe(tx, clinic_id, changes)).stranded
        raise errors.Conflict("appointments-stranded", count=len(appointments), appointments=appointments)
    await repository.apply(tx, clinic_id, changes)
    data = {
        "from": first,
        "to": last,
        **{name: len(getattr(changes, name)) for name in ("added", "removed", "kept", "stranded")},
    }
    await repository.emit(tx, clinic_id, "schedule.applied", doctor_id=doctor_id, data=data)
    return await _describe(tx, clinic_id, changes)


async def _save_week(
    tx: Transaction, *, doctor_id: UUID | None, content: ScheduleChangeContent, if_match: str | None, now: datetime
) -> None:
    if doctor_id and isinstance(content, DoctorsScheduleChangeContent) and content.weekly:
        week = WeeklyScheduleContent(weekly=content.weekly, valid_from=content.from_)
        await schedules.save_week(tx, doctor_id=doctor_id, content=week, if_match=if_match, now=now)
    elif doctor_id and if_match:
        schedule = await schedules.get_schedule(tx, doctor_id)
        first = content.from_ or clock.local_date(now, schedule.time_zone)
        etags.check(if_match, etags.digest(schedule.week_on(first)), required=False)


async def with_current_appointments(
    tx: Transaction, clinic_id: int, change: ScheduleChange, stranded: list[UUID]
) -> ScheduleChange:
    """Return an earlier change with its stranded appointments in their current state."""
    change.stranded = await repository.find_appointments(tx, clinic_id, stranded)
    return change


async def _dates(
    db: Statements, clinic_id: int, doctor_id: UUID | None, content: ScheduleChangeContent, now: datetime
) -> tuple[date, date] | None:
    """Return the change's first and last dates, or None if no time is published between them."""
    published = await repository.find_published_hours(db, clinic_id, doctor_id=doctor_id, now=now)
    if published is None:
        raise errors.NotFound
    today = clock.local_date(now, published.time_zone)
    first = max(content.from_ or today, today)
    last = min(content.to or date.max, _last_date(published, today, publish=content.publish))
    if (last - first).days > MAX_RANGE_DAYS:  # a slot may be published centuries ahead
        raise errors.Invalid(errors.Fault("#/to", "must span no more than {days} days", days=MAX_RANGE_DAYS))
    return (first, last) if first <= last else None


def _last_date(published: PublishedHours, today: date, *, publish: bool) -> date:
    """Return the last date for which hours are, or will be, published. If the last slot is less than a week before the
    clinic's horizon, return the horizon: generation has already reached it, and found no hours to publish after that
    slot."""
    last, horizon = published.last_date or date.min, today + timedelta(days=published.horizon_days)
    if publish:
        return max(last, horizon)
    return horizon if last < horizon < last + timedelta(days=7) else last


def _midnight(day: date, days_later: int) -> datetime:
    return datetime.combine(day + timedelta(days=days_later), time(), UTC)


async def _describe(db: Statements, clinic_id: int, changes: PublicationChanges) -> ScheduleChange:
    stranded = await repository.find_appointments(db, clinic_id, [span.id for span in changes.stranded if span.id])
    return ScheduleChange(
        changed_slots(changes.added), changed_slots(changes.removed), changed_slots(changes.kept), stranded
    )
