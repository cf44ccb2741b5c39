"""Create, change and deactivate clinics."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from ... import audit
from ...database.pool import Statements, Transaction, violates
from ...events import repository as events
from ...events.facts import ClinicChanged, ClinicCreated, ClinicDeactivated, Fact
from ...http.etags import check
from ...kit import errors, phones
from ...kit.actors import Actor
from ...kit.structs import content_after
from . import repository
from .model import Clinic, ClinicContent, ClinicPatch


async def get(db: Statements, clinic_id: int) -> Clinic:
    """Return a clinic, or raise `NotFound`."""
    if clinic := await repository.find(db, clinic_id):
        return clinic
    raise errors.NotFound


async def list_choices(db: Statements, *, clinic_ids: Sequence[int] | None) -> list[repository.ClinicChoice]:
    """Return the clinics with these ids, or all clinics: active ones first, ordered by name."""
    return await repository.list_choices(db, clinic_ids=clinic_ids)


async def list_countries(db: Statements) -> list[str]:
    """Return the countries that active clinics are in."""
    zones = await repository.list_time_zones(db)
    return sorted({country for zone in zones if (country := phones.country_of_zone(zone))})


async def get_active(db: Statements, clinic_id: int) -> Clinic:
    """Return an active clinic. Raise `NotFound` for an unknown clinic, or a `clinic-inactive` `Conflict`."""
    clinic = await get(db, clinic_id)
    if not clinic.active:
        raise errors.Conflict("clinic-inactive")
    return clinic


async def lock_active(tx: Transaction, clinic_id: int) -> Clinic:
    """Lock an active clinic until the transaction ends, and return it. Raise the same errors as `get_active`."""
    clinic = await repository.lock(tx, clinic_id)
    if clinic is None:
        raise errors.NotFound
    if not clinic.active:
        raise errors.Conflict("clinic-inactive")
    return clinic


async def check_version(db: Statements, clinic_id: int, *, if_match: str | None, version: int | str) -> None:
    """Check `If-Match` for one of the clinic's resources. The clinic's policy may require it."""
    check(if_match, version, required=if_match is None and (await get(db, clinic_id)).policy.require_version)


async def create(tx: Transaction, actor: Actor, *, content: ClinicContent) -> Clinic:
    """Create a clinic. Raise a `slug-taken` `Conflict`, or `Invalid` for an invalid phone number."""
    try:
        clinic = await repository.add(tx, _normalise(content, stored_phone=None))
    except repository.SlugElsewhere:
        raise errors.Conflict("slug-taken") from None
    except asyncpg.UniqueViolationError as error:
        if not violates(error, "clinic_slug"):
            raise
        raise errors.Conflict("slug-taken") from error
    await _append_event(tx, "clinic.created", clinic, ClinicCreated())
    await audit.record(tx, actor, clinic_id=clinic.id, subjects=[clinic.id])
    return clinic


async def change(
    tx: Transaction,
    actor: Actor,
    *,
    clinic_id: int,
    change: ClinicContent | ClinicPatch,
    if_match: str | None,
    now: datetime,
) -> Clinic:
    """Replace all of the clinic's details, or only the patched ones.

    Raise a `Conflict`: `slug-taken`, or `slots-published` for a new time zone while future hours are published, because
    these would no longer match the intended wall times. Raise `Invalid` for an invalid phone number.
    """
    clinic = await lock(tx, clinic_id, if_match)
    content = content_after(change, clinic, ClinicContent)
    if content.time_zone != clinic.time_zone and await repository.has_future_slots(tx, clinic_id, now=now):
        raise errors.Conflict("slots-published")
    reactivates = isinstance(change, ClinicPatch) and change.active is True
    content = _normalise(content, stored_phone=clinic.phone)
    try:
        changed = await repository.change(tx, clinic_id, content, removed_at=None if reactivates else clinic.removed_at)
    except repository.SlugElsewhere:
        raise errors.Conflict("slug-taken") from None
    except asyncpg.UniqueViolationError as error:
        if not violates(error, "clinic_slug"):
            raise
        raise errors.Conflict("slug-taken") from error
    await _append_event(tx, "clinic.changed", changed, ClinicChanged(active=changed.active))
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[clinic_id])
    return changed


async def deactivate(
    tx: Transaction, actor: Actor, *, clinic_id: int, cascade: bool, if_match: str | None, now: datetime
) -> None:
    """Deactivate the clinic and, with `cascade`, its doctors and time slots too.

    Raise a `Conflict`: `clinic-in-use` if doctors or time slots are still active, or `live-appointments` if a cascade
    would leave appointments without a doctor. A booking made during a cascade either commits first and prevents it, or
    finds its slot withdrawn.
    """
    clinic = await lock(tx, clinic_id, if_match)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[])
    if not clinic.active:
        return
    usage = await repository.load_usage(tx, clinic_id, now=now)
    if not cascade and (usage.doctors or usage.time_slots):
        raise errors.Conflict("clinic-in-use", doctors=usage.doctors, timeSlots=usage.time_slots)
    if usage.appointments:
        raise errors.Conflict("live-appointments", count=usage.appointments)
    try:
        if cascade:
            await repository.deactivate_parts(tx, clinic_id, now=now)
        deactivated = await repository.change(
            tx, clinic_id, msgspec.convert(clinic, ClinicContent, from_attributes=True), removed_at=now
        )
        fact = ClinicDeactivated(doctors=usage.doctors, time_slots=usage.time_slots)
        await _append_event(tx, "clinic.deactivated", deactivated, fact)
    except asyncpg.ForeignKeyViolationError as error:  # something was added concurrently
        if violates(error, "within_hours"):
            raise errors.Conflict("live-appointments", count=1) from error
        doctor = violates(error, "doctor_active_clinic")
        raise errors.Conflict("clinic-in-use", doctors=int(doctor), timeSlots=int(not doctor)) from error


async def _append_event(tx: Transaction, type: str, clinic: Clinic, fact: Fact) -> None:
    await events.append_event(
        tx,
        clinic_id=clinic.id,
        type=type,
        subject_id=str(clinic.id),
        subject_version=clinic.version,
        data=msgspec.json.encode(fact).decode(),
    )


async def append_changed(tx: Transaction, clinic_id: int) -> None:
    """Append the event that the clinic has changed, which also refreshes cached catalogues."""
    clinic = await get(tx, clinic_id)
    await _append_event(tx, "clinic.changed", clinic, ClinicChanged(active=clinic.active))


async def lock(tx: Transaction, clinic_id: int, if_match: str | None) -> Clinic:
    """Lock a clinic against changes and check `If-Match`. Raise `NotFound` for an unknown clinic."""
    clinic = await repository.lock(tx, clinic_id)
    if clinic is None:
        raise errors.NotFound
    check(if_match, clinic.version, required=clinic.policy.require_version)
    return clinic


def _normalise(content: ClinicContent, *, stored_phone: str | None) -> ClinicContent:
    """Check the notifications, and return the content with its phone number in E.164 format. Leave a stored number
    unchanged."""
    if fault := content.notifications.fault():  # a patch can make the combination invalid
        raise errors.Invalid(fault.within("notifications"))
    if content.phone is None or content.phone == stored_phone:
        return content
    phone = phones.to_e164(content.phone, time_zone=content.time_zone)
    if phone is None:
        raise errors.Invalid(errors.Fault("#/phone", phones.INVALID_PHONE_NUMBER))
    return msgspec.structs.replace(content, phone=phone)
