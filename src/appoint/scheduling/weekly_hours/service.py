"""Setting up a clinic's time slots and its doctors' weekly hours. None of it touches what is already published."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

import asyncpg

from ... import audit
from ...clinics.clinics import repository as clinics_repository
from ...clinics.clinics import service as clinics
from ...clinics.clinics.model import Clinic
from ...database.pool import Statements, Transaction
from ...http import etags
from ...kit import clock, errors, fields
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from . import repository
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


async def time_slots(db: Statements, clinic_id: int) -> list[TimeSlot]:
    """The active ones, earliest first. Raises `NotFound`."""
    found = await repository.time_slots(db, clinic_id)
    if found is None:
        raise errors.NotFound
    return found


async def time_slot(db: Statements, time_slot_id: UUID) -> TimeSlot:
    """Raises `NotFound`."""
    if found := await repository.find_time_slot(db, time_slot_id):
        return found
    raise errors.NotFound


async def add_time_slot(tx: Transaction, actor: Actor, *, clinic_id: int, content: TimeSlotContent) -> TimeSlot:
    """Add a time slot to a clinic. Raises `NotFound`, or `Conflict`: `clinic-inactive`, `time-slots-intersect`."""
    clinic = await _locked_clinic(tx, clinic_id)
    if not clinic.active:
        raise errors.Conflict("clinic-inactive")
    try:
        added = await repository.add_time_slot(
            tx, clinic_id, minutes=minutes_between(content.start_time, content.end_time), name=content.name
        )
    except asyncpg.ExclusionViolationError as error:
        _refuse(error)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[added.id])
    return added


async def change_time_slot(
    tx: Transaction, actor: Actor, *, time_slot_id: UUID, content: TimeSlotContent, if_match: str | None
) -> TimeSlot:
    """Change a time slot's minutes or name. The weekly hours taken from it move with it.

    Raises `Conflict`: `time-slots-intersect`, or `schedule-lines-overlap` when a doctor's lines would overlap
    afterwards.
    """
    known = await _locked_time_slot(tx, time_slot_id, if_match)
    await audit.record(tx, actor, clinic_id=clinic_of(time_slot_id), subjects=[time_slot_id])
    minutes = minutes_between(content.start_time, content.end_time)
    try:
        return await repository.change_time_slot(
            tx, time_slot_id, minutes=minutes, name=content.name, removed_at=known.removed_at
        )
    except asyncpg.ExclusionViolationError as error:
        _refuse(error)


async def remove_time_slot(
    tx: Transaction, actor: Actor, *, time_slot_id: UUID, if_match: str | None, now: datetime
) -> None:
    """Remove a time slot. Raises `Conflict` `time-slot-in-use` while weekly hours are taken from it."""
    known = await _locked_time_slot(tx, time_slot_id, if_match)
    await audit.record(tx, actor, clinic_id=clinic_of(time_slot_id), subjects=[time_slot_id])
    if not known.active:
        return
    if lines := await repository.lines_from(tx, time_slot_id):
        raise errors.Conflict("time-slot-in-use", doctorSlots=lines)
    await repository.change_time_slot(
        tx, time_slot_id, minutes=minutes_between(known.start_time, known.end_time), name=known.name, removed_at=now
    )


async def schedule(db: Statements, doctor_id: UUID) -> Schedule:
    """All of a doctor's weekly hours, past and future ones too. Raises `NotFound`."""
    if found := await repository.schedule(db, doctor_id):
        return found
    raise errors.NotFound


async def doctor_slot(db: Statements, doctor_slot_id: UUID) -> DoctorSlot:
    """Raises `NotFound`."""
    if found := await repository.find_line(db, doctor_slot_id):
        return found
    raise errors.NotFound


async def add_line(tx: Transaction, actor: Actor, *, doctor_id: UUID, content: DoctorSlotContent) -> DoctorSlot:
    """Add a line to a doctor's week. Raises `NotFound` (doctor or time slot), or `Conflict` `schedule-lines-overlap`."""
    await _lock_doctor(tx, doctor_id)
    (minutes,) = await _minutes(tx, clinic_of(doctor_id), [content])
    line = (fields.WEEKDAYS.index(content.weekday) + 1, minutes, content.time_slot_id)
    try:
        (added,) = await repository.add_lines(
            tx, doctor_id, [line], valid_from=content.valid_from, valid_until=content.valid_until
        )
    except asyncpg.ExclusionViolationError as error:
        _refuse(error)
    await repository.tell_changed(tx, doctor_id, doctorSlotId=added)
    await audit.record(tx, actor, clinic_id=clinic_of(doctor_id), subjects=[doctor_id, added])
    return await doctor_slot(tx, added)


async def change_line(
    tx: Transaction, actor: Actor, *, doctor_slot_id: UUID, content: DoctorSlotContent, if_match: str | None
) -> DoctorSlot:
    """Replace a line. Raises `NotFound` (line or time slot), or `Conflict` `schedule-lines-overlap`."""
    known = await _locked_line(tx, doctor_slot_id, if_match)
    (minutes,) = await _minutes(tx, known.clinic_id, [content])
    try:
        await repository.change_line(
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
    await repository.tell_changed(tx, known.doctor_id, doctorSlotId=doctor_slot_id)
    await audit.record(tx, actor, clinic_id=known.clinic_id, subjects=[doctor_slot_id])
    return await doctor_slot(tx, doctor_slot_id)


async def remove_line(
    tx: Transaction, actor: Actor, *, doctor_slot_id: UUID, if_match: str | None, now: datetime
) -> None:
    """Remove a line from a doctor's week."""
    known = await _locked_line(tx, doctor_slot_id, if_match)
    await audit.record(tx, actor, clinic_id=known.clinic_id, subjects=[doctor_slot_id])
    if known.active:
        await repository.remove_line(tx, doctor_slot_id, now=now)
        await repository.tell_changed(tx, known.doctor_id, doctorSlotId=doctor_slot_id)


async def set_week(
    tx: Transaction,
    actor: Actor,
    *,
    doctor_id: UUID,
    content: WeeklyScheduleContent,
    if_match: str | None,
    now: datetime,
) -> WeeklySchedule:
    """Replace a doctor's week as `save_week` does, and record it."""
    week = await save_week(tx, doctor_id=doctor_id, content=content, if_match=if_match, now=now)
    await audit.record(tx, actor, clinic_id=clinic_of(doctor_id), subjects=[doctor_id])
    return week


async def save_week(
    tx: Transaction, *, doctor_id: UUID, content: WeeklyScheduleContent, if_match: str | None, now: datetime
) -> WeeklySchedule:
    """Replace the whole week from a date on (today in the clinic's zone): earlier lines end the day before, later ones
    are removed. Use cases that save a week among other changes record it with their own entry.

    `if_match` is compared with the week that holds on that date. Raises `NotFound` (doctor or time slot), or `Invalid`
    for hours of a day that overlap.
    """
    await _lock_doctor(tx, doctor_id)
    known = await schedule(tx, doctor_id)
    first = content.valid_from or clock.local_date(now, known.time_zone)
    await clinics.check_version(tx, known.clinic_id, if_match=if_match, version=etags.digest(known.week_on(first)))
    week: dict[fields.Weekday, list[Hours]] = {weekday: getattr(content.weekly, weekday) for weekday in fields.WEEKDAYS}
    minutes = iter(await _minutes(tx, known.clinic_id, [hours for day in week.values() for hours in day]))
    by_day = {weekday: [next(minutes) for _ in day] for weekday, day in week.items()}
    faults = [
        errors.Fault(f"#/weekly/{weekday}/{index}", "overlaps other hours on that day")
        for weekday, day in by_day.items()
        for index in overlapping(day)
    ]
    if faults:
        raise errors.Invalid(*faults)
    await repository.end_lines(tx, doctor_id, before=first, now=now)
    lines = [
        (number, minutes, hours.time_slot_id)
        for number, weekday in enumerate(fields.WEEKDAYS, 1)
        for hours, minutes in zip(week[weekday], by_day[weekday], strict=True)
    ]
    await repository.add_lines(tx, doctor_id, lines, valid_from=first, valid_until=None)
    await repository.tell_changed(tx, doctor_id, validFrom=first)
    return (await schedule(tx, doctor_id)).week_on(first)


async def _minutes(tx: Transaction, clinic_id: int, hours: list[Hours]) -> list[Minutes]:
    """The minutes of each; those of time slots stay as they are until the transaction ends. Raises `NotFound` for a
    time slot that the clinic has not."""
    ids = [part.time_slot_id for part in hours if part.time_slot_id]
    slots = await repository.minutes_of_time_slots(tx, clinic_id, ids) if ids else {}
    if not slots.keys() >= set(ids):
        raise errors.NotFound
    return [
        slots[part.time_slot_id] if part.time_slot_id else minutes_between(part.start_time or "", part.end_time or "")
        for part in hours
    ]


async def _locked_clinic(tx: Transaction, clinic_id: int) -> Clinic:
    if clinic := await clinics_repository.lock(tx, clinic_id):
        return clinic
    raise errors.NotFound


async def _locked_time_slot(tx: Transaction, time_slot_id: UUID, if_match: str | None) -> TimeSlot:
    """The time slot, with every lock that changing it and the lines taken from it needs."""
    clinic = await _locked_clinic(tx, clinic_of(time_slot_id))
    await repository.lock_doctors(tx, clinic.id)
    known = await time_slot(tx, time_slot_id)
    etags.check(if_match, known.version, required=clinic.policy.require_version)
    return known


async def _lock_doctor(tx: Transaction, doctor_id: UUID) -> None:
    if not await repository.lock_doctors(tx, clinic_of(doctor_id), doctor_id=doctor_id):
        raise errors.NotFound


async def _locked_line(tx: Transaction, doctor_slot_id: UUID, if_match: str | None) -> DoctorSlot:
    await _lock_doctor(tx, (await doctor_slot(tx, doctor_slot_id)).doctor_id)
    known = await doctor_slot(tx, doctor_slot_id)
    await clinics.check_version(tx, known.clinic_id, if_match=if_match, version=known.version)
    return known


def _refuse(error: asyncpg.ExclusionViolationError) -> NoReturn:
    """On shards a constraint's name carries a number behind it."""
    of_time_slots = str(error.as_dict().get("constraint_name")).startswith("time_slots_intersect")
    raise errors.Conflict("time-slots-intersect" if of_time_slots else "schedule-lines-overlap") from error
