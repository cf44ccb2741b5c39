"""Publish and withdraw the times when doctors can be booked."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

import asyncpg

from ... import audit
from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from ...kit import clock, errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ..weekly_hours.model import LockedDoctor
from ..weekly_hours.repository import lines as schedules
from . import repository
from .model import BookingSlot, BookingSlotContent, Generated, LockedClinic, StoredSlot


async def get(db: Statements, booking_slot_id: UUID) -> BookingSlot:
    """Return a slot, even if it was removed, or raise `NotFound`."""
    return (await _get(db, booking_slot_id)).slot


async def _get(db: Statements, booking_slot_id: UUID) -> StoredSlot:
    if stored := await repository.find(db, booking_slot_id):
        return stored
    raise errors.NotFound


async def check_version(db: Statements, booking_slot_id: UUID, *, if_match: str | None) -> None:
    """Check a slot's version, for callers that change something else. Raise `NotFound` for an unknown slot."""
    slot = await get(db, booking_slot_id)
    await clinics.check_version(db, slot.clinic_id, if_match=if_match, version=slot.version)


async def is_booked_for(db: Statements, booking_slot_id: UUID, *, customer_id: UUID) -> bool:
    """Return whether the customer has an appointment that takes up the whole slot."""
    slot = await get(db, booking_slot_id)
    appointments = await repository.list_appointments(db, slot.clinic_id, [booking_slot_id])
    return slot.with_appointments(appointments[booking_slot_id]).customer_id == customer_id


async def generate(
    tx: Transaction, actor: Actor, *, clinic_id: int, doctor_id: UUID | None = None, first: date, last: date
) -> Generated:
    """Publish the weekly schedules on the local dates `first…last` (inclusive), except for absences, manually removed
    time and time that is already published.

    A repeated call does not publish anything new. Concurrent calls run one at a time. Nothing is published for inactive
    clinics or doctors. Raise `NotFound` for an unknown clinic or doctor.
    """
    await _lock(tx, clinic_id, doctor_id)
    generated = await repository.generate(tx, clinic_id, doctor_id=doctor_id, first=first, last=last)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[])
    return generated


async def generate_to_horizon(tx: Transaction, actor: Actor, *, clinic_id: int, now: datetime) -> Generated:
    """Publish the weekly schedules as `generate` does, from today to the clinic's horizon. Record an audit entry only
    if anything was published."""
    clinic, _ = await _lock(tx, clinic_id, None)
    today = clock.local_date(now, clinic.time_zone)
    generated = await repository.generate(
        tx, clinic_id, doctor_id=None, first=today, last=today + timedelta(days=clinic.horizon_days)
    )
    if generated.created:
        await audit.record(tx, actor, clinic_id=clinic_id, subjects=[])
    return generated


async def publish(tx: Transaction, actor: Actor, *, content: BookingSlotContent) -> BookingSlot:
    """Publish a slot manually, even where a slot was removed manually or the doctor is away.

    Raise `NotFound` for an unknown doctor, or a `Conflict`: `clinic-inactive`, `doctor-inactive`, `crosses-midnight` or
    `slots-overlap`.
    """
    clinic, (doctor,) = await _lock(tx, clinic_of(content.doctor_id), content.doctor_id)
    day = _local_date(clinic, doctor, content.start_time, content.end_time)
    slot_id = await repository.add(tx, content.doctor_id, start=content.start_time, end=content.end_time, day=day)
    if slot_id is None:
        raise errors.Conflict("slots-overlap")
    await repository.forget_removals(tx, content.doctor_id, start=content.start_time, end=content.end_time, day=day)
    await audit.record(tx, actor, clinic_id=clinic_of(slot_id), subjects=[slot_id])
    return await get(tx, slot_id)


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
    """Change a slot's start and end, or publish a removed slot again. Time that it loses counts as removed manually.
    A move to the same time changes nothing.

    Raise the same conflicts as `publish`, plus `slot-has-appointments` if an appointment would lie outside the slot, or
    if an absence or schedule change has cut the slot down to a single appointment. A concurrent booking either commits
    first and prevents the change, or sees the moved slot.
    """
    (slot, remnant), clinic, doctor = await _lock_slot(tx, booking_slot_id, if_match)
    if slot.active and (slot.start_time, slot.end_time) == (start, end):
        await audit.record(tx, actor, clinic_id=slot.clinic_id, subjects=[booking_slot_id])
        return slot
    if remnant:
        raise errors.Conflict("slot-has-appointments")
    day = _local_date(clinic, doctor, start, end)
    try:
        await repository.move(tx, booking_slot_id, start=start, end=end, day=day, now=now)
    except asyncpg.ExclusionViolationError as error:
        raise errors.Conflict("slots-overlap") from error
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("slot-has-appointments") from error
    await repository.forget_removals(tx, slot.doctor_id, start=start, end=end, day=day)
    await audit.record(tx, actor, clinic_id=slot.clinic_id, subjects=[booking_slot_id])
    return await get(tx, booking_slot_id)


async def remove(tx: Transaction, actor: Actor, *, booking_slot_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove a slot manually, so that generation does not publish it again.

    Raise a `slot-has-appointments` `Conflict` if it has any.
    """
    await _lock_slot(tx, booking_slot_id, if_match)
    try:
        await repository.remove(tx, booking_slot_id, now=now)
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("slot-has-appointments") from error
    await audit.record(tx, actor, clinic_id=clinic_of(booking_slot_id), subjects=[booking_slot_id])


async def _lock(tx: Transaction, clinic_id: int, doctor_id: UUID | None) -> tuple[LockedClinic, Sequence[LockedDoctor]]:
    """Lock the clinic and its doctors, or one doctor, against other publishing and withdrawing until the transaction
    ends. Raise `NotFound` for an unknown clinic or doctor."""
    clinic = await repository.share_clinic(tx, clinic_id)
    doctors = await schedules.lock_doctors(tx, clinic_id, doctor_id=doctor_id)
    if clinic is None or (doctor_id and not doctors):
        raise errors.NotFound
    return clinic, doctors


async def _lock_slot(
    tx: Transaction, booking_slot_id: UUID, if_match: str | None
) -> tuple[StoredSlot, LockedClinic, LockedDoctor]:
    """Lock the slot's clinic and doctor, and check the slot's version."""
    doctor_id = (await get(tx, booking_slot_id)).doctor_id
    clinic, (doctor,) = await _lock(tx, clinic_of(doctor_id), doctor_id)
    stored = await _get(tx, booking_slot_id)
    await clinics.check_version(tx, stored.slot.clinic_id, if_match=if_match, version=stored.slot.version)
    return stored, clinic, doctor


def _local_date(clinic: LockedClinic, doctor: LockedDoctor, start: datetime, end: datetime) -> date:
    """Return the local date of a range to publish manually. Raise a `Conflict` if it cannot be published."""
    if not clinic.active:
        raise errors.Conflict("clinic-inactive")
    if not doctor.active:
        raise errors.Conflict("doctor-inactive")
    if clock.crosses_midnight(start, end, clinic.time_zone):
        raise errors.Conflict("crosses-midnight")
    return clock.local_date(start, clinic.time_zone)
