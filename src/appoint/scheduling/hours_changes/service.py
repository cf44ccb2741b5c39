"""Applying changed weekly schedules to hours that are published already."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from ... import audit
from ...database.pool import Statements, Transaction
from ...http import etags
from ...kit import clock, errors
from ...kit.actors import Actor
from ..slots import repository as slots
from ..slots.model import LONGEST_DAYS
from ..weekly_hours import service as schedules
from ..weekly_hours.model import WeeklyScheduleContent
from . import repository
from .model import DoctorsScheduleChangeContent, Fitting, ScheduleChange, ScheduleChangeContent, changed

NOTHING = Fitting.of(())


async def preview(
    tx: Statements, *, clinic_id: int, doctor_id: UUID | None, content: ScheduleChangeContent, now: datetime
) -> ScheduleChange:
    """Return what `carry_out` would do to the hours of a doctor, or of all doctors of the clinic, with the saved weeks.
    Changes and refuses nothing.

    Raises `NotFound`.
    """
    dates = await _dates(tx, clinic_id, doctor_id, content, now)
    fitting = (
        await repository.fit(tx, clinic_id, doctor_id=doctor_id, first=dates[0], last=dates[1], now=now)
        if dates
        else NOTHING
    )
    return await _told(tx, clinic_id, fitting)


class _Undone(Exception):
    pass


async def rehearse(
    tx: Transaction,
    *,
    clinic_id: int,
    doctor_id: UUID | None,
    content: ScheduleChangeContent,
    if_match: str | None = None,
    now: datetime,
) -> ScheduleChange:
    """Preview also a week that is not saved yet: save it, preview the change and roll back. Records nothing: what the
    caller shows of it differs. Raises what `schedules.save_week` raises."""
    told = ScheduleChange([], [], [], [])
    with suppress(_Undone):
        async with tx.savepoint():
            await _save_week(tx, doctor_id=doctor_id, content=content, if_match=if_match, now=now)
            told = await preview(tx, clinic_id=clinic_id, doctor_id=doctor_id, content=content, now=now)
            raise _Undone
    return told


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
    """Make the published slots agree with the weekly schedules: those that have not begun, up to the last published
    date. Change all of them or none.

    A doctor's week in the content is saved first, as `schedules.save_week` does and with its refusals. `if_match` refers
    to that week, or else to the saved one.

    Appointments outside the new hours are refused (`Conflict` `appointments-stranded`), or keep exactly their own time
    and need rebooking, as requested; those within the hours again need no rebooking. A booking that races with this
    either commits first, or finds the new hours. Raises `NotFound`.
    """
    await slots.share_clinic(tx, clinic_id)
    await repository.stop_bookings(tx, clinic_id, doctor_id=doctor_id)
    await _save_week(tx, doctor_id=doctor_id, content=content, if_match=if_match, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[doctor_id] if doctor_id else [])
    dates = await _dates(tx, clinic_id, doctor_id, content, now)
    if dates is None:
        return await _told(tx, clinic_id, NOTHING)
    first, last = dates
    await repository.lock_appointments(
        tx, clinic_id, doctor_id=doctor_id, start=_midnight(first, -1), end=_midnight(last, 2)
    )
    fitting = await repository.fit(tx, clinic_id, doctor_id=doctor_id, first=first, last=last, now=now)
    if fitting.stranded and content.stranded == "refuse":
        told = await _told(tx, clinic_id, fitting)
        raise errors.Conflict("appointments-stranded", count=len(told.stranded), appointments=told.stranded)
    await repository.apply(tx, clinic_id, fitting)
    facts = {
        "from": first,
        "to": last,
        **{name: len(getattr(fitting, name)) for name in ("added", "removed", "kept", "stranded")},
    }
    await repository.tell(tx, clinic_id, "schedule.applied", doctor_id=doctor_id, facts=facts)
    return await _told(tx, clinic_id, fitting)


async def _save_week(
    tx: Transaction, *, doctor_id: UUID | None, content: ScheduleChangeContent, if_match: str | None, now: datetime
) -> None:
    if doctor_id and isinstance(content, DoctorsScheduleChangeContent) and content.weekly:
        week = WeeklyScheduleContent(weekly=content.weekly, valid_from=content.from_)
        await schedules.save_week(tx, doctor_id=doctor_id, content=week, if_match=if_match, now=now)
    elif doctor_id and if_match:
        known = await schedules.schedule(tx, doctor_id)
        first = content.from_ or clock.local_date(now, known.time_zone)
        etags.check(if_match, etags.digest(known.week_on(first)), required=False)


async def remembered(tx: Transaction, clinic_id: int, known: ScheduleChange, stranded: list[UUID]) -> ScheduleChange:
    """An earlier change, with its appointments as they stand now."""
    known.stranded = await repository.shown_appointments(tx, clinic_id, stranded)
    return known


async def _dates(
    db: Statements, clinic_id: int, doctor_id: UUID | None, content: ScheduleChangeContent, now: datetime
) -> tuple[date, date] | None:
    """The first and the last date that the change is about; None when nothing is published there."""
    place = await repository.place(db, clinic_id, doctor_id=doctor_id, now=now)
    if place is None:
        raise errors.NotFound
    today = clock.local_date(now, place.time_zone)
    first = max(content.from_ or today, today)
    last = min(content.to or date.max, place.last_published or date.min)
    if (last - first).days > LONGEST_DAYS:  # something is published centuries ahead
        raise errors.Invalid(errors.Fault("#/to", "must span no more than {days} days", days=LONGEST_DAYS))
    return (first, last) if first <= last else None


def _midnight(day: date, days_later: int) -> datetime:
    return datetime.combine(day + timedelta(days=days_later), time(), UTC)


async def _told(db: Statements, clinic_id: int, fitting: Fitting) -> ScheduleChange:
    stranded = await repository.shown_appointments(db, clinic_id, [span.id for span in fitting.stranded if span.id])
    return ScheduleChange(changed(fitting.added), changed(fitting.removed), changed(fitting.kept), stranded)
