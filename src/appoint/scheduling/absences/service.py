"""Add and remove doctors' absences and clinic closures."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.clinics import repository as clinics_repository
from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from ...kit import clock, errors, fields
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.structs import merge
from ..hours_changes import repository as hours
from ..slots import repository as slots
from . import repository
from .model import Absence, AbsenceContent, AbsencePatch, AffectedAppointment, AwayPeriod, Period

MAX_DAY_LENGTH: Final = timedelta(hours=25)
"""The length of the day on which daylight saving time ends."""


async def get(db: Statements, absence_id: UUID) -> Absence:
    """Return an absence, even if it was removed, or raise `NotFound`."""
    if absence := await repository.find(db, absence_id):
        return absence
    raise errors.NotFound


async def list_by_ids(db: Statements, clinic_id: int, ids: Sequence[UUID]) -> list[Absence]:
    """Return the clinic's absences with these ids, even removed ones."""
    return await repository.list_by_ids(db, clinic_id, ids)


async def list_absences(
    db: Statements, clinic_id: int, *, past: bool, before: datetime | None, now: datetime, limit: int
) -> list[Absence]:
    """Return a clinic's active absences: either past ones, latest first, or all others, earliest first.

    `before` excludes absences that begin at that time or later.
    """
    return await repository.find_past_or_current(db, clinic_id, past=past, before=before, now=now, limit=limit)


async def list_to_rebook(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, now: datetime, limit: int
) -> list[AffectedAppointment]:
    """Return upcoming live appointments that need rebooking, with one doctor or with all, earliest first."""
    return await repository.list_to_rebook(db, clinic_id, doctor_id=doctor_id, now=now, limit=limit)


async def list_affected(
    db: Statements, clinic_id: int, away: AwayPeriod, *, now: datetime, limit: int
) -> list[AffectedAppointment]:
    """Return the live appointments that an absence would affect from `now` on, earliest first."""
    start = max(away.start, now)
    if start >= away.end:
        return []
    return await repository.list_within(db, clinic_id, doctor_id=away.doctor_id, start=start, end=away.end, limit=limit)


async def find_period(
    db: Statements, clinic_id: int, *, first: date, first_minute: int, last: date, last_minute: int
) -> Period | None:
    """Convert two wall times at a clinic to a period. Return None if the clinic does not exist."""
    return await repository.find_period(
        db, clinic_id, first=first, first_minute=first_minute, last=last, last_minute=last_minute
    )


async def add(
    tx: Transaction, actor: Actor, *, clinic_id: int, content: AbsenceContent, force: bool, now: datetime
) -> Absence:
    """Add an absence, and withdraw the published time that it covers, except what has already passed. Slots keep any
    part that lies outside the absence.

    With `force`, conflicting live appointments keep exactly their own time and need rebooking; without it, raise an
    `appointments-in-the-way` `Conflict` that lists them. A concurrent booking either commits first and is among them,
    or is refused. Raise `NotFound` for an unknown clinic or doctor.
    """
    absence = await add_unrecorded(tx, clinic_id=clinic_id, content=content, force=force, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[absence.id])
    return absence


async def add_unrecorded(
    tx: Transaction, *, clinic_id: int, content: AbsenceContent, force: bool, now: datetime
) -> Absence:
    """Add an absence as `add` does, but leave the audit entry to the caller."""
    await _lock(tx, clinic_id, content.doctor_id)
    absence_id = await repository.add(tx, clinic_id, content)
    period = Period(content.start_time, content.end_time)
    await _withdraw(tx, absence_id, [period], doctor_id=content.doctor_id, force=force, now=now)
    return await get(tx, absence_id)


async def change(
    tx: Transaction,
    actor: Actor,
    *,
    absence_id: UUID,
    patch: AbsencePatch,
    force: bool,
    if_match: str | None,
    now: datetime,
) -> Absence:
    """Change an absence's time or reason. Time that it covers both before and after the change stays
    unavailable throughout.

    Publish the weekly schedule again for the time that it no longer covers, and withdraw the time that it newly covers
    as `add` does, with the same errors. Raise `NotFound` for an unknown or removed absence, and `Invalid` for an
    invalid period.
    """
    absence = await _lock_absence(tx, absence_id, if_match)
    if not absence.active:
        raise errors.NotFound
    content = merge(msgspec.convert(absence, AbsenceContent, from_attributes=True), patch)
    old, new = Period(absence.start_time, absence.end_time), Period(content.start_time, content.end_time)
    if (new, content.reason) != (old, absence.reason):
        await repository.change(tx, absence_id, content)
        await _withdraw(tx, absence_id, new.without(old), doctor_id=absence.doctor_id, force=force, now=now)
        if old.without(new):
            await _republish(tx, absence, now)
    await audit.record(tx, actor, clinic_id=absence.clinic_id, subjects=[absence_id])
    return await get(tx, absence_id)


async def _withdraw(
    tx: Transaction, absence_id: UUID, periods: Sequence[Period], *, doctor_id: UUID | None, force: bool, now: datetime
) -> None:
    """Withdraw the time published in the periods, from now on."""
    clinic_id = clinic_of(absence_id)
    soonest = fields.next_minute(now)
    upcoming = [(max(period.start, soonest), period.end) for period in periods if period.end > soonest]
    conflicting = [
        id
        for start, end in upcoming
        for id in await hours.lock_appointments(tx, clinic_id, doctor_id=doctor_id, start=start, end=end)
    ]
    if conflicting and not force:
        appointments = await hours.find_appointments(tx, clinic_id, list(dict.fromkeys(conflicting)))
        raise errors.Conflict("appointments-in-the-way", count=len(appointments), appointments=appointments)
    for start, end in upcoming:
        withdrawal = await repository.withdraw_slots(tx, clinic_id, doctor_id=doctor_id, start=start, end=end)
        if withdrawal.slots:
            data = {
                "absenceId": absence_id,
                "from": start,
                "count": withdrawal.slots,
                "stranded": withdrawal.stranded,
            }
            await hours.emit(tx, clinic_id, "slots.withdrawn", doctor_id=doctor_id, data=data)


async def remove(tx: Transaction, actor: Actor, *, absence_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove an absence, and publish the weekly schedule for its period again, from now on and up to the clinic's
    horizon or the last published date.

    Slots that the absence cut become whole again, and appointments that it stranded no longer need rebooking if the
    hours cover them again. Manual slots that the absence withdrew are not restored.
    """
    absence = await remove_unrecorded(tx, absence_id=absence_id, if_match=if_match, now=now)
    await audit.record(tx, actor, clinic_id=absence.clinic_id, subjects=[absence_id])


async def remove_unrecorded(tx: Transaction, *, absence_id: UUID, if_match: str | None, now: datetime) -> Absence:
    """Remove an absence as `remove` does, but leave the audit entry to the caller."""
    absence = await _lock_absence(tx, absence_id, if_match)
    if not absence.active:
        return absence
    await repository.remove(tx, absence_id, now=now)
    await _republish(tx, absence, now)
    return absence


async def _lock_absence(tx: Transaction, absence_id: UUID, if_match: str | None) -> Absence:
    absence = await get(tx, absence_id)
    await _lock(tx, absence.clinic_id, absence.doctor_id)
    absence = await get(tx, absence_id)  # it may have changed before it was locked
    await clinics.check_version(tx, absence.clinic_id, if_match=if_match, version=absence.version)
    return absence


async def _republish(tx: Transaction, absence: Absence, now: datetime) -> None:
    clinic = await clinics.get(tx, absence.clinic_id)
    doctor_id, start, end = absence.doctor_id, absence.start_time, absence.end_time
    published = await hours.find_published_hours(tx, clinic.id, doctor_id=doctor_id, now=now)
    assert published, "its clinic and doctor are locked"
    horizon = clock.local_date(now, clinic.time_zone) + timedelta(days=clinic.policy.horizon_days)
    first = clock.local_date(start, clinic.time_zone)
    last = min(clock.local_date(end, clinic.time_zone), max(horizon, published.last_date or horizon))
    if first > last:
        return
    await hours.lock_appointments(
        tx, clinic.id, doctor_id=doctor_id, start=start - MAX_DAY_LENGTH, end=end + MAX_DAY_LENGTH
    )
    changes = await hours.fit(tx, clinic.id, doctor_id=doctor_id, first=first, last=last, around=(start, end), now=now)
    await hours.apply(tx, clinic.id, changes)
    if changes.added:
        data = {"absenceId": absence.id, "created": len(changes.added), "from": first, "to": last}
        await hours.emit(tx, clinic.id, "slots.generated", doctor_id=doctor_id, data=data)


async def _lock(tx: Transaction, clinic_id: int, doctor_id: UUID | None) -> None:
    """Lock the doctor (or the clinic) against publishing, withdrawing and booking until the transaction ends.

    Raise `NotFound` for an unknown clinic or doctor.
    """
    clinic = await (slots.share_clinic(tx, clinic_id) if doctor_id else clinics_repository.lock(tx, clinic_id))
    doctors = await hours.stop_bookings(tx, clinic_id, doctor_id=doctor_id)
    if clinic is None or (doctor_id and not doctors):
        raise errors.NotFound
