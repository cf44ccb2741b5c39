"""Add, change and remove appointment types. A change applies to new bookings; existing appointments keep their
terms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

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
from ..clinics import service as clinics
from . import repository
from .model import AppointmentType, AppointmentTypeContent, AppointmentTypePatch

MAX_TYPES: Final = 1000
"""The maximum number of types that a page lists or names."""


async def get(db: Statements, id: UUID) -> AppointmentType:
    """Return an appointment type, or raise `NotFound`."""
    if type := await repository.find(db, id):
        return type
    raise errors.NotFound


async def list_types(db: Statements, clinic_id: int, *, active: bool = True) -> Sequence[AppointmentType]:
    """Return a clinic's active or removed types, oldest first."""
    return await repository.list_types(db, clinic_id, active=active, after=None, limit=MAX_TYPES)


async def names(db: Statements, clinic_id: int) -> dict[UUID, str]:
    """Return the names of a clinic's types, whether active or removed."""
    return {type.id: type.name for active in (True, False) for type in await list_types(db, clinic_id, active=active)}


async def add(tx: Transaction, actor: Actor, *, clinic_id: int, content: AppointmentTypeContent) -> AppointmentType:
    """Add an appointment type to a clinic. Raise `NotFound` for an unknown clinic, or a `clinic-inactive`
    `Conflict`."""
    await clinics.get_active(tx, clinic_id)
    added = await repository.add(tx, clinic_id, content)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[added.id])
    return await _with_event(tx, "appointment-type.added", added)


async def change(
    tx: Transaction,
    actor: Actor,
    *,
    id: UUID,
    change: AppointmentTypeContent | AppointmentTypePatch,
    if_match: str | None,
) -> AppointmentType:
    """Replace all of the type's details, or only the patched ones.

    Raise a `clinic-inactive` `Conflict` if the patch restores a removed type at an inactive clinic.
    """
    current = await _lock(tx, id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[id])
    restores = isinstance(change, AppointmentTypePatch) and change.active is True
    if restores and not current.active:
        await clinics.get_active(tx, current.clinic_id)
    content = content_after(change, current, AppointmentTypeContent)
    check_ages(content.min_age, content.max_age)  # a patch can make the combination invalid
    changed = await repository.change(tx, id, content, removed_at=None if restores else current.removed_at)
    return await _with_event(tx, "appointment-type.changed", changed)


async def remove(tx: Transaction, actor: Actor, *, id: UUID, if_match: str | None, now: datetime) -> None:
    """Stop offering the type. Its appointments stay booked."""
    current = await _lock(tx, id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[id])
    if current.active:
        content = msgspec.convert(current, AppointmentTypeContent, from_attributes=True)
        removed = await repository.change(tx, id, content, removed_at=now)
        await _with_event(tx, "appointment-type.removed", removed)


async def _with_event(tx: Transaction, type: str, changed: AppointmentType) -> AppointmentType:
    """Append an event about the appointment type, and return the type."""
    await events.append_event(
        tx,
        clinic_id=changed.clinic_id,
        type=type,
        subject_id=str(changed.id),
        subject_version=changed.version,
        data=msgspec.json.encode(OfferFact(active=changed.active)).decode(),
    )
    return changed


async def _lock(tx: Transaction, id: UUID, if_match: str | None) -> AppointmentType:
    current = await repository.lock(tx, id)
    if current is None:
        raise errors.NotFound
    await clinics.check_version(tx, clinic_of(id), if_match=if_match, version=current.version)
    return current
