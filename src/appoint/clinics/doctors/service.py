"""Add, change and remove doctors."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from ... import audit
from ...database.pool import Statements, Transaction
from ...events import repository as events
from ...events.facts import OfferFact
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.structs import content_after
from ..audience import check_ages
from ..clinics import repository as clinics_repository
from ..clinics import service as clinics
from . import repository, specialties
from .model import Doctor, DoctorContent, DoctorPatch

MAX_DOCTORS: Final = 1000
"""The maximum number of doctors that a page lists or names."""


async def get(db: Statements, doctor_id: UUID) -> Doctor:
    """Return a doctor, or raise `NotFound`."""
    if doctor := await repository.find(db, doctor_id):
        return doctor
    raise errors.NotFound


async def list_doctors(
    db: Statements, clinic_id: int, *, active: bool = True, after: UUID | None = None, limit: int = MAX_DOCTORS
) -> Sequence[Doctor]:
    """Return a clinic's doctors, oldest first, plus one beyond `limit` if there is a next page."""
    return await repository.list_doctors(
        db, clinic_id, specialty=None, active=active, after=after and (after,), limit=limit
    )


async def list_by_name(db: Statements, clinic_id: int) -> list[Doctor]:
    """Return a clinic's active doctors, ordered by name."""
    return sorted(await list_doctors(db, clinic_id), key=lambda doctor: doctor.name.casefold())


async def names(db: Statements, clinic_id: int) -> dict[UUID, str]:
    """Return the names of a clinic's active doctors, in alphabetical order."""
    return {doctor.id: doctor.name for doctor in await list_by_name(db, clinic_id)}


async def count_upcoming_appointments(db: Statements, doctor_id: UUID, *, now: datetime) -> int:
    """Count the doctor's live appointments that end after `now`."""
    return await repository.count_upcoming_appointments(db, doctor_id, now=now)


async def add(tx: Transaction, actor: Actor, *, clinic_id: int, content: DoctorContent) -> Doctor:
    """Add a doctor to a clinic.

    Raise `NotFound` for an unknown clinic, a `clinic-inactive` `Conflict`, or `Invalid` for another clinic's
    appointment types.
    """
    clinic = await clinics.get_active(tx, clinic_id)
    await _check_types(tx, clinic_id, content.appointment_type_ids)
    content = _with_specialty(content, clinic.locale)
    try:
        doctor_id = await repository.add(tx, clinic_id, content)
    except asyncpg.ForeignKeyViolationError as error:  # the clinic was deactivated concurrently
        raise errors.Conflict("clinic-inactive") from error
    await repository.set_offered_types(tx, doctor_id, content.appointment_type_ids or [])
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[doctor_id])
    return await _with_event(tx, "doctor.added", doctor_id)


async def change(
    tx: Transaction, actor: Actor, *, doctor_id: UUID, change: DoctorContent | DoctorPatch, if_match: str | None
) -> Doctor:
    """Replace all of the doctor's details, or only the patched ones. The doctor's version also covers the appointment
    types that they offer.

    Raise a `clinic-inactive` `Conflict` if the patch restores a removed doctor at an inactive clinic, and `Invalid` for
    another clinic's appointment types.
    """
    doctor = await lock(tx, doctor_id, if_match)
    content = content_after(_without_old_codes(change, doctor), doctor, DoctorContent)
    check_ages(content.min_age, content.max_age)  # a patch can make the combination invalid
    await _check_types(tx, doctor.clinic_id, content.appointment_type_ids)
    content = _with_specialty(content, (await clinics.get(tx, doctor.clinic_id)).locale)
    restores = isinstance(change, DoctorPatch) and change.active is True
    try:
        await repository.change(tx, doctor_id, content, removed_at=None if restores else doctor.removed_at)
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("clinic-inactive") from error
    await repository.set_offered_types(tx, doctor_id, content.appointment_type_ids or [])
    await audit.record(tx, actor, clinic_id=doctor.clinic_id, subjects=[doctor_id])
    return await _with_event(tx, "doctor.changed", doctor_id)


async def remove(tx: Transaction, actor: Actor, *, doctor_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove a doctor and withdraw their future published hours. Keep the weekly schedule, so that the doctor can be
    restored.

    Raise a `doctor-has-appointments` `Conflict` if the doctor has future live appointments. A concurrent booking either
    commits first and prevents the removal, or finds the doctor's hours withdrawn: the foreign key `within_hours` allows
    only one of the two.
    """
    doctor = await lock(tx, doctor_id, if_match)
    await audit.record(tx, actor, clinic_id=doctor.clinic_id, subjects=[doctor_id])
    if not doctor.active:
        return
    if appointments := await repository.count_upcoming_appointments(tx, doctor_id, now=now):
        raise errors.Conflict("doctor-has-appointments", count=appointments)
    await repository.change(tx, doctor_id, msgspec.convert(doctor, DoctorContent, from_attributes=True), removed_at=now)
    await _with_event(tx, "doctor.removed", doctor_id)
    try:
        async with tx.savepoint():  # so that the appointments can still be counted after a failure
            await clinics_repository.withdraw_future_slots(tx, clinic_of(doctor_id), doctor_id=doctor_id, now=now)
    except asyncpg.ForeignKeyViolationError as error:
        appointments = await repository.count_upcoming_appointments(tx, doctor_id, now=now)
        raise errors.Conflict("doctor-has-appointments", count=max(appointments, 1)) from error


def _without_old_codes(change: DoctorContent | DoctorPatch, doctor: Doctor) -> DoctorContent | DoctorPatch:
    """Drop the codes if a patch changes only the specialty's name, because clients that do not know about the codes do
    that.
    """
    is_renamed = isinstance(change, DoctorPatch) and change.specialty not in (msgspec.UNSET, doctor.specialty)
    if isinstance(change, DoctorPatch) and is_renamed and change.specialties is msgspec.UNSET:
        return msgspec.structs.replace(change, specialties=None)
    return change


def _with_specialty(content: DoctorContent, language: str) -> DoctorContent:
    """Return the content with both the specialties' codes and their name, if it contains only one of them.

    Raise `Invalid` for a code that is not in the list.
    """
    faults = [
        errors.Fault(f"#/specialties/{index}", "is not in the list of specialties")
        for index, code in enumerate(content.specialties)
        if code not in specialties.SPECIALTIES
    ]
    if faults:
        raise errors.Invalid(*faults)
    codes = content.specialties
    if not codes and (code := specialties.find_code(content.specialty)):
        codes = [code]
    name = content.specialty or (specialties.name_of(codes[0], language) if codes else None)
    return msgspec.structs.replace(content, specialty=name, specialties=list(dict.fromkeys(codes)))


async def _with_event(tx: Transaction, type: str, doctor_id: UUID) -> Doctor:
    """Append an event about the doctor, and return the doctor."""
    doctor = await get(tx, doctor_id)
    await events.append_event(
        tx,
        clinic_id=doctor.clinic_id,
        type=type,
        subject_id=str(doctor.id),
        subject_version=doctor.version,
        data=msgspec.json.encode(OfferFact(active=doctor.active)).decode(),
    )
    return doctor


async def append_changed(tx: Transaction, doctor_id: UUID) -> None:
    """Append the event that the doctor has changed, which also refreshes cached catalogues."""
    await _with_event(tx, "doctor.changed", doctor_id)


async def lock(tx: Transaction, doctor_id: UUID, if_match: str | None) -> Doctor:
    """Lock a doctor against changes and check `If-Match`. Raise `NotFound` for an unknown doctor."""
    if not await repository.lock(tx, doctor_id):
        raise errors.NotFound
    doctor = await get(tx, doctor_id)
    await clinics.check_version(tx, doctor.clinic_id, if_match=if_match, version=doctor.version)
    return doctor


async def _check_types(tx: Transaction, clinic_id: int, ids: Sequence[UUID] | None) -> None:
    if ids:
        valid_ids = await repository.filter_types(tx, clinic_id, ids)
        faults = [
            errors.Fault(f"#/appointmentTypeIds/{index}", "is not one of this clinic’s appointment types")
            for index, id in enumerate(ids)
            if id not in valid_ids
        ]
        if faults:
            raise errors.Invalid(*faults)
