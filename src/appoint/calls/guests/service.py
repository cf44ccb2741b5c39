"""Invite guests to video visits, and revoke their links."""

from datetime import datetime
from uuid import UUID

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import clinic_of
from ..joining.links import guest_code
from . import repository
from .model import MAX_GUESTS, Guest, InvitedGuest


async def list_with_links(db: Statements, appointment_id: UUID, *, origin: str, secret: str) -> list[InvitedGuest]:
    """Return the guests with their links, for people who may share them. Raise `NotFound` for an unknown
    appointment."""
    guests = await repository.list_guests(db, appointment_id)
    if not guests and not await repository.has_appointment(db, appointment_id):
        raise errors.NotFound
    return [with_link(each, origin=origin, secret=secret) for each in guests]


def with_link(guest: Guest, *, origin: str, secret: str) -> InvitedGuest:
    return InvitedGuest(
        id=guest.id,
        appointment_id=guest.appointment_id,
        name=guest.name,
        created_at=guest.created_at,
        join_url=f"{origin}/join/{guest_code(secret, guest.id)}",
    )


async def get(db: Statements, guest_id: UUID) -> Guest:
    """Return a guest. Raise `NotFound` unless their link is valid."""
    guest = await repository.find(db, guest_id)
    if guest is None:
        raise errors.NotFound
    return guest


async def invite(tx: Transaction, actor: Actor, *, appointment_id: UUID, name: str) -> Guest:
    """Invite a guest. Raise `NotFound`, or a `Conflict`: `not-a-video-visit`, `too-many-guests`."""
    is_online = await repository.lock_visit(tx, appointment_id)
    if is_online is None:
        raise errors.NotFound
    if not is_online:
        raise errors.Conflict("not-a-video-visit")
    if len(await repository.list_guests(tx, appointment_id)) >= MAX_GUESTS:
        raise errors.Conflict("too-many-guests", most=MAX_GUESTS)
    guest = await repository.add(tx, appointment_id, name)
    await audit.record(tx, actor, clinic_id=clinic_of(appointment_id), subjects=[appointment_id, guest.id])
    return guest


async def revoke(tx: Transaction, actor: Actor, *, appointment_id: UUID, guest_id: UUID, now: datetime) -> None:
    """Revoke a guest's link. Raise `NotFound` unless it is valid and leads to this appointment."""
    if not await repository.revoke(tx, appointment_id, guest_id, now=now):
        raise errors.NotFound
    await audit.record(tx, actor, clinic_id=clinic_of(appointment_id), subjects=[appointment_id, guest_id])
