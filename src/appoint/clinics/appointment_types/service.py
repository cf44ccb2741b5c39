"""Add, change and remove appointment types. A change applies to new bookings; existing appointments keep their terms,
except whether they take place in person or online."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import UNSET

from ... import audit
from ...database.pool import Statements, Transaction
from ...events import repository as events
from ...events.facts import AppointmentTypeChanged, OfferFact
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ...kit.structs import content_after
from ..audience import check_ages
from ..clinics import service as clinics
from . import repository
from .model import MAX_TYPES, AppointmentType, AppointmentTypeContent, AppointmentTypePatch


async def get(db: Statements, id: UUID) -> AppointmentType:
    """Return an appointment type, or raise `NotFound`."""
    if type := await repository.find(db, id):
        return type
    raise errors.NotFound


async def find(db: Statements, id: UUID) -> AppointmentType | None:
    return await repository.find(db, id)


async def list_types(db: Statements, clinic_id: int, *, active: bool = True) -> Sequence[AppointmentType]:
    """Return a clinic's active or removed types, in the clinic's order."""
    types = await repository.list_types(db, clinic_id, active=active, after=None, limit=MAX_TYPES)
    return sorted(types, key=attrgetter("position", "name"))


async def has_video_visits(db: Statements, clinic_id: int) -> bool:
    """Return whether the clinic can offer online types: it has not chosen to have no video visits."""
    return await repository.has_video_visits(db, clinic_id)


async def names(db: Statements, clinic_id: int) -> dict[UUID, str]:
    """Return the names of a clinic's types, whether active or removed."""
    return {type.id: type.name for active in (True, False) for type in await list_types(db, clinic_id, active=active)}


async def add(tx: Transaction, actor: Actor, *, clinic_id: int, content: AppointmentTypeContent) -> AppointmentType:
    """Add an appointment type to a clinic. Raise `NotFound` for an unknown clinic, or a `Conflict`:
    `clinic-inactive`, or `no-video-visits` for an online type if the clinic has chosen to have none."""
    await clinics.get_active(tx, clinic_id)
    await _check_mode(tx, clinic_id, content)
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

    Raise a `Conflict`: `clinic-inactive` if the patch restores a removed type at an inactive clinic, or
    `no-video-visits` if the type is online now and the clinic has chosen to have none.
    """
    current = await _lock(tx, id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[id])
    restores = isinstance(change, AppointmentTypePatch) and change.active is True
    if restores and not current.active:
        await clinics.get_active(tx, current.clinic_id)
    content = content_after(change, current, AppointmentTypeContent)
    check_ages(content.min_age, content.max_age)  # a patch can make the combination invalid
    if restores or current.active:
        await _check_mode(tx, current.clinic_id, content)
    changed = await repository.change(tx, id, content, removed_at=None if restores else current.removed_at)
    old_mode = UNSET if changed.mode == current.mode else current.mode
    return await _with_event(
        tx, "appointment-type.changed", changed, AppointmentTypeChanged(active=changed.active, old_mode=old_mode)
    )


async def put_in_order(tx: Transaction, actor: Actor, *, clinic_id: int, ids: Sequence[UUID]) -> None:
    """Set the order in which patients see the clinic's types. Raise `Invalid` unless `ids` contains each active type
    once, and `NotFound` for an unknown clinic."""
    active = await repository.lock_active(tx, clinic_id)
    if not active:
        await clinics.get(tx, clinic_id)
    if sorted(ids) != active:
        raise errors.Invalid(
            errors.Fault("#/appointmentTypeIds", "must contain each of the clinic's active appointment types once")
        )
    await repository.put_in_order(tx, clinic_id, ids)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=ids)


async def move(tx: Transaction, actor: Actor, *, id: UUID, places: Literal[-1, 1]) -> None:
    """Swap an active type with the one before or after it. Leave the first and the last one where they are.

    Raise `NotFound` if the type is not active."""
    clinic_id = clinic_of(id)
    await repository.lock_active(tx, clinic_id)
    ids = [type.id for type in await list_types(tx, clinic_id)]
    if id not in ids:
        raise errors.NotFound
    place = ids.index(id)
    ids.insert(min(max(place + places, 0), len(ids) - 1), ids.pop(place))
    await repository.put_in_order(tx, clinic_id, ids)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[id])


async def remove(tx: Transaction, actor: Actor, *, id: UUID, if_match: str | None, now: datetime) -> None:
    """Stop offering the type. Its appointments stay booked."""
    current = await _lock(tx, id, if_match)
    await audit.record(tx, actor, clinic_id=current.clinic_id, subjects=[id])
    if current.active:
        content = msgspec.convert(current, AppointmentTypeContent, from_attributes=True)
        removed = await repository.change(tx, id, content, removed_at=now)
        await _with_event(tx, "appointment-type.removed", removed)


async def _check_mode(tx: Transaction, clinic_id: int, content: AppointmentTypeContent) -> None:
    """Raise a `no-video-visits` `Conflict` if the type is online and the clinic has chosen to have none."""
    if content.mode == "online":
        await repository.lock_video_visits(tx, clinic_id)
        if not await repository.has_video_visits(tx, clinic_id):
            raise errors.Conflict("no-video-visits")


async def _with_event(
    tx: Transaction, type: str, changed: AppointmentType, fact: OfferFact | None = None
) -> AppointmentType:
    """Append an event about the appointment type, and return the type."""
    await events.append_event(
        tx,
        clinic_id=changed.clinic_id,
        type=type,
        subject_id=str(changed.id),
        subject_version=changed.version,
        data=msgspec.json.encode(fact or OfferFact(active=changed.active)).decode(),
    )
    return changed


async def _lock(tx: Transaction, id: UUID, if_match: str | None) -> AppointmentType:
    current = await repository.lock(tx, id)
    if current is None:
        raise errors.NotFound
    await clinics.check_version(tx, clinic_of(id), if_match=if_match, version=current.version)
    return current
