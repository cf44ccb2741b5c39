"""Change a clinic's time slots and its doctors' weekly hours. Published booking slots do not change."""

from datetime import date, datetime
from typing import NoReturn
from uuid import UUID

import asyncpg

from ... import audit
from ...clinics.clinics import repository as clinics_repository
from ...clinics.clinics import service as clinics
from ...clinics.clinics.model import Clinic
from ...database.pool import Statements, Transaction, violates
from ...http import etags
from ...kit import clock, errors, fields
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from .model import (
    DoctorSlot,
    DoctorSlotContent,
    Hours,
    Minutes,
    Schedule,
    TimeSlot,
    TimeSlotContent,
    WeeklySchedule,
    WeeklyScheduleContent,
    minutes_between,
    overlapping,
)
from .repository import lines as lines_repository
from .repository import time_slots as time_slots_repository


async def list_time_slots(db: Statements, clinic_id: int) -> list[TimeSlot]:
    """Return the clinic's active time slots, earliest first. Raise `NotFound` for an unknown clinic."""
    slots = await time_slots_repository.list_for_clinic(db, clinic_id)
    if slots is None:
        raise errors.NotFound
    return slots


async def get_time_slot(db: Statements, time_slot_id: UUID) -> TimeSlot:
    """Return a time slot, even if it was removed, or raise `NotFound`."""
    if slot := await time_slots_repository.find(db, time_slot_id):
        return slot
    raise errors.NotFound


async def add_time_slot(tx: Transaction, actor: Actor, *, clinic_id: int, content: TimeSlotContent) -> TimeSlot:
    """Add a time slot to a clinic. Raise `NotFound` for an unknown clinic, or a `Conflict`: `clinic-inactive` or
    `time-slots-intersect`."""
    clinic = await _lock_clinic(tx, clinic_id)
    if not clinic.active:
        raise errors.Conflict("clinic-inactive")
    try:
        slot = await time_slots_repository.add(
            tx, clinic_id, minutes=minutes_between(content.start_time, content.end_time), name=content.name
        )
    except asyncpg.ExclusionViolationError as error:
        _refuse(error)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[slot.id])
    return slot


async def change_time_slot(
    tx: Transaction, actor: Actor, *, time_slot_id: UUID, content: TimeSlotContent, if_match: str | None, now: datetime
) -> TimeSlot:
    """Change a time slot's minutes or name. From today on, the weekly hours taken from it change with it; past weeks
    keep their hours.

    Raise a `Conflict`: `time-slots-intersect`, or `schedule-lines-overlap` if a doctor's lines would overlap.
    """
    clinic, slot = await _lock_time_slot(tx, time_slot_id, if_match)
    await audit.record(tx, actor, clinic_id=clinic.id, subjects=[time_slot_id])
    minutes = minutes_between(content.start_time, content.end_time)
    detached: list[UUID] = []
    if minutes != minutes_between(slot.start_time, slot.end_time):
        today = clock.local_date(now, clinic.time_zone)
        await lines_repository.split(tx, time_slot_id, at=today)
        detached = await lines_repository.detach_ended(tx, time_slot_id, today=today)
    try:
        return await time_slots_repository.change(
            tx, time_slot_id, minutes=minutes, name=content.name, removed_at=slot.removed_at, detached=detached
        )
    except asyncpg.ExclusionViolationError as error:
        _refuse(error)


async def remove_time_slot(
    tx: Transaction, actor: Actor, *, time_slot_id: UUID, if_match: str | None, now: datetime
) -> None:
    """Remove a time slot. Raise a `time-slot-in-use` `Conflict` if any weekly hours from today on are taken from it."""
    clinic, slot = await _lock_time_slot(tx, time_slot_id, if_match)
    await audit.record(tx, actor, clinic_id=clinic.id, subjects=[time_slot_id])
    if not slot.active:
        return
    detached = await lines_repository.detach_ended(tx, time_slot_id, today=clock.local_date(now, clinic.time_zone))
    if count := await time_slots_repository.count_lines(tx, time_slot_id):
        raise errors.Conflict("time-slot-in-use", doctorSlots=count)
    minutes = minutes_between(slot.start_time, slot.end_time)
    await time_slots_repository.change(
        tx, time_slot_id, minutes=minutes, name=slot.name, removed_at=now, detached=detached
    )


async def get_schedule(db: Statements, doctor_id: UUID) -> Schedule:
    """Return all of a doctor's weekly hours, including past and future ones. Raise `NotFound` for an unknown doctor."""
    if weekly := await lines_repository.load_schedule(db, doctor_id):
        return weekly
    raise errors.NotFound


async def list_lines(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, since: date
) -> dict[UUID, list[DoctorSlot]]:
    """Return a clinic's active lines that are valid on a date or later, for one doctor or for all, grouped by
    doctor."""
    return await lines_repository.list_for_clinic(db, clinic_id, doctor_id=doctor_id, since=since)


async def get_doctor_slot(db: Statements, doctor_slot_id: UUID) -> DoctorSlot:
    """Return a line, even if it was removed, or raise `NotFound`."""
    if line := await lines_repository.find(db, doctor_slot_id):
        return line
    raise errors.NotFound


async def add_line(tx: Transaction, actor: Actor, *, doctor_id: UUID, content: DoctorSlotContent) -> DoctorSlot:
    """Add a line to a doctor's week. Raise `NotFound` for an unknown doctor or time slot, or a `schedule-lines-overlap`
    `Conflict`."""
    await _lock_doctor(tx, doctor_id)
    (minutes,) = await _minutes(tx, clinic_of(doctor_id), [content])
    line = (fields.WEEKDAYS.index(content.weekday) + 1, minutes, content.time_slot_id)
    try:
        (line_id,) = await lines_repository.add(
            tx, doctor_id, [line], valid_from=content.valid_from, valid_until=content.valid_until
        )
    except asyncpg.ExclusionViolationError as error:
        _refuse(error)
    await lines_repository.emit_change(tx, doctor_id, doctorSlotId=line_id)
    await audit.record(tx, actor, clinic_id=clinic_of(doctor_id), subjects=[doctor_id, line_id])
    return await get_doctor_slot(tx, line_id)


async def change_line(
    tx: Transaction, actor: Actor, *, doctor_slot_id: UUID, content: DoctorSlotContent, if_match: str | None
) -> DoctorSlot:
    """Replace a line. Raise `NotFound` for an unknown line or time slot, or a `schedule-lines-overlap` `Conflict`."""
    line = await _lock_line(tx, doctor_slot_id, if_match)
    (minutes,) = await _minutes(tx, line.clinic_id, [content])
    try:
        await lines_repository.change(
            tx,
            doctor_slot_id,
            weekday=fields.WEEKDAYS.index(content.weekday) + 1,
            minutes=minutes,
            time_slot_id=content.time_slot_id,
            valid_from=content.valid_from,
            valid_until=content.valid_until,
        )
    except asyncpg.ExclusionViolationError as error:
        _refuse(error)
    await lines_repository.emit_change(tx, line.doctor_id, doctorSlotId=doctor_slot_id)
    await audit.record(tx, actor, clinic_id=line.clinic_id, subjects=[doctor_slot_id])
    return await get_doctor_slot(tx, doctor_slot_id)


async def remove_line(
    tx: Transaction, actor: Actor, *, doctor_slot_id: UUID, if_match: str | None, now: datetime
) -> None:
    """Remove a line from a doctor's week."""
    line = await _lock_line(tx, doctor_slot_id, if_match)
    await audit.record(tx, actor, clinic_id=line.clinic_id, subjects=[doctor_slot_id])
    if line.active:
        await lines_repository.remove(tx, doctor_slot_id, now=now)
        await lines_repository.emit_change(tx, line.doctor_id, doctorSlotId=doctor_slot_id)


async def set_week(
    tx: Transaction,
    actor: Actor,
    *,
    doctor_id: UUID,
    content: WeeklyScheduleContent,
    if_match: str | None,
    now: datetime,
) -> WeeklySchedule:
    """Replace a doctor's week as `save_week` does, and record an audit entry."""
    week = await save_week(tx, doctor_id=doctor_id, content=content, if_match=if_match, now=now)
    await audit.record(tx, actor, clinic_id=clinic_of(doctor_id), subjects=[doctor_id])
    return week


async def save_week(
    tx: Transaction, *, doctor_id: UUID, content: WeeklyScheduleContent, if_match: str | None, now: datetime
) -> WeeklySchedule:
    """Replace the whole week from a date onwards (default: today in the clinic's zone). Earlier lines end the day
    before; later ones are removed. This does not record an audit entry, because use cases that save a week along with
    other changes record their own.

    Compare `if_match` with the week in effect on that date. Raise `NotFound` for an unknown doctor or time slot, or
    `Invalid` for overlapping hours on a day.
    """
    await _lock_doctor(tx, doctor_id)
    current = await get_schedule(tx, doctor_id)
    clinic_id = current.clinic_id
    first = content.valid_from or clock.local_date(now, current.time_zone)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=etags.digest(current.week_on(first)))
    week: dict[fields.Weekday, list[Hours]] = {weekday: getattr(content.weekly, weekday) for weekday in fields.WEEKDAYS}
    minutes = iter(await _minutes(tx, clinic_id, [hours for day in week.values() for hours in day]))
    by_day = {weekday: [next(minutes) for _ in day] for weekday, day in week.items()}
    faults = [
        errors.Fault(f"#/weekly/{weekday}/{index}", "overlaps other hours on that day")
        for weekday, day in by_day.items()
        for index in overlapping(day)
    ]
    if faults:
        raise errors.Invalid(*faults)
    await lines_repository.end_all(tx, doctor_id, before=first, now=now)
    lines = [
        (number, minutes, hours.time_slot_id)
        for number, weekday in enumerate(fields.WEEKDAYS, 1)
        for hours, minutes in zip(week[weekday], by_day[weekday], strict=True)
    ]
    await lines_repository.add(tx, doctor_id, lines, valid_from=first, valid_until=None)
    await lines_repository.emit_change(tx, doctor_id, validFrom=first)
    return (await get_schedule(tx, doctor_id)).week_on(first)


async def _minutes(tx: Transaction, clinic_id: int, hours: list[Hours]) -> list[Minutes]:
    """Return the start and end of all hours in minutes, and lock the time slots that they are taken from.

    Raise `NotFound` for a time slot that the clinic does not have.
    """
    ids = [part.time_slot_id for part in hours if part.time_slot_id]
    slots = await time_slots_repository.lock_minutes(tx, clinic_id, ids) if ids else {}
    if not slots.keys() >= set(ids):
        raise errors.NotFound
    return [
        slots[part.time_slot_id] if part.time_slot_id else minutes_between(part.start_time or "", part.end_time or "")
        for part in hours
    ]


async def _lock_clinic(tx: Transaction, clinic_id: int) -> Clinic:
    if clinic := await clinics_repository.lock(tx, clinic_id):
        return clinic
    raise errors.NotFound


async def _lock_time_slot(tx: Transaction, time_slot_id: UUID, if_match: str | None) -> tuple[Clinic, TimeSlot]:
    """Take all locks needed to change the time slot and its lines, and check the time slot's version. Return the clinic
    and the time slot."""
    clinic = await _lock_clinic(tx, clinic_of(time_slot_id))
    await lines_repository.lock_doctors(tx, clinic.id)
    slot = await get_time_slot(tx, time_slot_id)
    etags.check(if_match, slot.version, required=clinic.policy.require_version)
    return clinic, slot


async def _lock_doctor(tx: Transaction, doctor_id: UUID) -> None:
    if not await lines_repository.lock_doctors(tx, clinic_of(doctor_id), doctor_id=doctor_id):
        raise errors.NotFound


async def _lock_line(tx: Transaction, doctor_slot_id: UUID, if_match: str | None) -> DoctorSlot:
    await _lock_doctor(tx, (await get_doctor_slot(tx, doctor_slot_id)).doctor_id)
    line = await get_doctor_slot(tx, doctor_slot_id)
    await clinics.check_version(tx, line.clinic_id, if_match=if_match, version=line.version)
    return line


def _refuse(error: asyncpg.ExclusionViolationError) -> NoReturn:
    """Raise the conflict for the violated constraint."""
    is_time_slot = violates(error, "time_slots_intersect")
    raise errors.Conflict("time-slots-intersect" if is_time_slot else "schedule-lines-overlap") from error
