"""Setting clinics up and taking them out of use."""

from datetime import datetime

import asyncpg
import msgspec

from .. import errors
from ..callers import Caller
from ..database.pool import Statements, Transaction
from ..resources import merged
from ..versions import check
from . import repository
from .model import Clinic, ClinicContent, ClinicPatch


async def get(db: Statements, clinic_id: int) -> Clinic:
    """Raises `NotFound`."""
    if clinic := await repository.find(db, clinic_id):
        return clinic
    raise errors.NotFound


async def found(tx: Transaction, by: Caller, *, content: ClinicContent) -> Clinic:
    """Found a clinic. Raises `Conflict` `slug-taken`."""
    try:
        return await repository.add(tx, content)
    except asyncpg.UniqueViolationError as error:
        raise errors.Conflict("slug-taken") from error


async def change(tx: Transaction, by: Caller, *, clinic_id: int, change: ClinicContent | ClinicPatch, if_match: str | None, now: datetime) -> Clinic:
    """Replace what the clinic says of itself, or the patched part of it.

    Raises `Conflict`: `slug-taken`, or `slots-published` for a new time zone while hours are published from now on, since their instants would
    no longer be the wall times that were meant.
    """
    clinic = await _locked(tx, clinic_id, if_match)
    content = change if isinstance(change, ClinicContent) else merged(msgspec.convert(clinic, ClinicContent, from_attributes=True), change)
    if content.time_zone != clinic.time_zone and await repository.has_future_slots(tx, clinic_id, now=now):
        raise errors.Conflict("slots-published")
    back = isinstance(change, ClinicPatch) and change.active is True
    try:
        return await repository.change(tx, clinic_id, content, removed_at=None if back else clinic.removed_at)
    except asyncpg.UniqueViolationError as error:
        raise errors.Conflict("slug-taken") from error


async def deactivate(tx: Transaction, by: Caller, *, clinic_id: int, cascade: bool, if_match: str | None, now: datetime) -> None:
    """Take the clinic out of use; with `cascade` its doctors and time slots too.

    Raises `Conflict`: `clinic-in-use` while doctors or time slots are active, `live-appointments` when a cascade would leave some without a
    doctor. A booking that races with a cascade either comes first and stops it, or finds its slot withdrawn.
    """
    clinic = await _locked(tx, clinic_id, if_match)
    if not clinic.active:
        return
    use = await repository.in_use(tx, clinic_id, now=now)
    if not cascade and (use.doctors or use.time_slots):
        raise errors.Conflict("clinic-in-use", doctors=use.doctors, timeSlots=use.time_slots)
    if use.appointments:
        raise errors.Conflict("live-appointments", appointments=use.appointments)
    try:
        await repository.deactivate_parts(tx, clinic_id, now=now)
        await repository.change(tx, clinic_id, msgspec.convert(clinic, ClinicContent, from_attributes=True), removed_at=now)
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("live-appointments", appointments=1) from error


async def _locked(tx: Transaction, clinic_id: int, if_match: str | None) -> Clinic:
    clinic = await repository.lock(tx, clinic_id)
    if clinic is None:
        raise errors.NotFound
    check(if_match, clinic.version, required=clinic.policy.require_version)
    return clinic
