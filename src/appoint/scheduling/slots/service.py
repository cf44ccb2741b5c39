"""Publishing and withdrawing the time in which doctors can be booked."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Row, Statements, Transaction
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ..weekly_hours import repository as schedules
from . import repository
from .model import BookingSlot, BookingSlotContent, Generated


async def get(db: Statements, booking_slot_id: UUID) -> BookingSlot:
    """Raises `NotFound`."""
    return repository.slot(await _found(db, booking_slot_id))


async def _found(db: Statements, booking_slot_id: UUID) -> Row:
    if row := await repository.find(db, booking_slot_id):
        return row
    raise errors.NotFound


async def check_version(db: Statements, booking_slot_id: UUID, *, if_match: str | None) -> None:
    """`versions.check` of a slot that is not itself changed. Raises `NotFound`."""
    known = await _found(db, booking_slot_id)
    await clinics.check_version(db, known.clinic_id, if_match=if_match, version=known.version)


async def generate(
    tx: Transaction, actor: Actor, *, clinic_id: int, doctor_id: UUID | None = None, first: date, last: date
) -> Generated:
    """Publish what the weekly schedules give on the local dates `first…last` (inclusive): less absences, time removed
    by hand, and what is published already.

    Repeating it publishes nothing new; concurrent calls run one after the other. Inactive clinics and doctors get
    nothing. Raises `NotFound`.
    """
    await _lock(tx, clinic_id, doctor_id)
    generated = await repository.generate(tx, clinic_id, doctor_id=doctor_id, first=first, last=last)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[])
    return generated


async def generate_to_horizon(tx: Transaction, actor: Actor, *, clinic_id: int, now: datetime) -> Generated:
    """Publish as `generate` does, from today to the last date that the clinic takes bookings for. A run that publishes
    nothing leaves no audit entry."""
    clinic, _ = await _lock(tx, clinic_id, None)
    today = clock.local_date(now, clinic.time_zone)
    generated = await repository.generate(
        tx, clinic_id, doctor_id=None, first=today, last=today + timedelta(days=clinic.horizon_days)
    )
    if generated.created:
        await audit.record(tx, actor, clinic_id=clinic_id, subjects=[])
    return generated


async def publish(tx: Transaction, actor: Actor, *, content: BookingSlotContent) -> BookingSlot:
    """Publish a slot by hand, also where a slot was removed by hand or the doctor is away.

    Raises `NotFound`, or `Conflict`: `clinic-inactive`, `doctor-inactive`, `crosses-midnight`, `slots-overlap`.
    """
    clinic, (doctor,) = await _lock(tx, clinic_of(content.doctor_id), content.doctor_id)
    day = _local_date(clinic, doctor, content.start_time, content.end_time)
    added = await repository.add(tx, content.doctor_id, start=content.start_time, end=content.end_time, day=day)
    if added is None:
        raise errors.Conflict("slots-overlap")
    await repository.bring_back(tx, content.doctor_id, start=content.start_time, end=content.end_time, day=day)
    await audit.record(tx, actor, clinic_id=clinic_of(added), subjects=[added])
    return await get(tx, added)


async def move(
    tx: Transaction,
    actor: Actor,
    *,
    booking_slot_id: UUID,
    start: datetime,
    end: datetime,
    if_match: str | None,
    now: datetime,
) -> BookingSlot:
    """Change a slot's bounds, or publish a removed slot again. Time that it gives up counts as removed by hand.

    Raises `Conflict`: `slot-has-appointments` when an appointment would lie outside, also for a slot that an absence or
    a change of schedule has cut down to one appointment; and as `publish` does. A booking that races with this either
    commits first and stops it, or finds the slot moved.
    """
    known, clinic, doctor = await _locked(tx, booking_slot_id, if_match)
    if known.remnant:
        raise errors.Conflict("slot-has-appointments")
    day = _local_date(clinic, doctor, start, end)
    try:
        await repository.move(tx, booking_slot_id, start=start, end=end, day=day, now=now)
    except asyncpg.ExclusionViolationError as error:
        raise errors.Conflict("slots-overlap") from error
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("slot-has-appointments") from error
    await repository.bring_back(tx, known.doctor_id, start=start, end=end, day=day)
    await audit.record(tx, actor, clinic_id=known.clinic_id, subjects=[booking_slot_id])
    return await get(tx, booking_slot_id)


async def remove(tx: Transaction, actor: Actor, *, booking_slot_id: UUID, if_match: str | None, now: datetime) -> None:
    """Withdraw a slot by hand; generation does not bring it back. Raises `Conflict` `slot-has-appointments`."""
    await _locked(tx, booking_slot_id, if_match)
    try:
        await repository.remove(tx, booking_slot_id, now=now)
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("slot-has-appointments") from error
    await audit.record(tx, actor, clinic_id=clinic_of(booking_slot_id), subjects=[booking_slot_id])


async def _lock(tx: Transaction, clinic_id: int, doctor_id: UUID | None) -> tuple[Row, Sequence[Row]]:
    """The clinic and its doctors (or the one), for whom nobody else publishes or withdraws until the transaction ends.
    Raises `NotFound`."""
    clinic = await repository.share_clinic(tx, clinic_id)
    doctors = await schedules.lock_doctors(tx, clinic_id, doctor_id=doctor_id)
    if clinic is None or (doctor_id and not doctors):
        raise errors.NotFound
    return clinic, doctors


async def _locked(tx: Transaction, booking_slot_id: UUID, if_match: str | None) -> tuple[Row, Row, Row]:
    """The slot with its clinic and doctor."""
    doctor_id = (await _found(tx, booking_slot_id)).doctor_id
    clinic, (doctor,) = await _lock(tx, clinic_of(doctor_id), doctor_id)
    known = await _found(tx, booking_slot_id)
    await clinics.check_version(tx, known.clinic_id, if_match=if_match, version=known.version)
    return known, clinic, doctor


def _local_date(clinic: Row, doctor: Row, start: datetime, end: datetime) -> date:
    """The date of a range that is to be published by hand."""
    if not clinic.active:
        raise errors.Conflict("clinic-inactive")
    if not doctor.active:
        raise errors.Conflict("doctor-inactive")
    if clock.crosses_midnight(start, end, clinic.time_zone):
        raise errors.Conflict("crosses-midnight")
    return clock.local_date(start, clinic.time_zone)
