"""Confirm a stranger's booking with a code or a link, and send another code."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from ... import audit
from ...customers import confirmed_addresses
from ...database.pool import Database, Statements, Transaction, violates
from ...kit import errors, ids
from ...kit.actors import Actor
from .. import service, transitions
from ..model import Appointment, Status
from ..time_rules import PATIENT_FREE, BookingLimits
from . import repository
from .message import Confirmation
from .model import MAX_ATTEMPTS, Hold, booking_of, code

CONFIRMED_STATUSES: Final = frozenset(Status) - {Status.PENDING, Status.CANCELLED}


ANY_VERSION: Final = "*"
"""A code confirms the appointment as it is, even at clinics that require `If-Match`."""


class CodeEntry(NamedTuple):
    """A code as entered by the booker, or None if they entered none."""

    code: str | None
    secret: str


class ConfirmedBooking(NamedTuple):
    """A confirmed booking."""

    appointment: Appointment
    """The confirmed appointment, or the first one if there are several."""
    proves_address: bool
    """Whether this request proved that the booker receives messages. False if an earlier request already did."""


async def confirm_appointment(
    db: Database, actor: Actor, *, appointment_id: UUID, entry: CodeEntry, limits: BookingLimits, now: datetime
) -> ConfirmedBooking | None:
    """Confirm a stranger's appointment with the code that the booker received. Return None if no code was sent for it.

    The first correct code confirms the booker's address, so the booking's other appointments don't need one. Confirming
    the appointment again changes nothing. `db` must see all customers.

    Raise `Conflict`: `code-required` without a code; `wrong-confirmation-code`; `new-code-required` after too many
    wrong codes, or if the booker's address has changed; `hold-expired` or `wrong-status`; `customer-busy` or
    `too-many-appointments` if the person with this address and name has an appointment at the same time, or has reached
    the limit.
    """
    clinic_id = ids.clinic_of(appointment_id)
    hold = await repository.find_by_appointment(db, clinic_id=clinic_id, appointment_id=appointment_id)
    if hold is None:
        return None
    await _check_code(db, hold, entry, now)
    confirmed = await db.atomic(_confirm, actor, hold, appointment_ids=[appointment_id], limits=limits, now=now)
    return ConfirmedBooking(confirmed, not hold.confirmed)


async def confirm_booking(
    db: Database, actor: Actor, *, booking_id: UUID, entry: CodeEntry, limits: BookingLimits, now: datetime
) -> ConfirmedBooking | None:
    """Confirm all of a stranger's appointments in a booking, as `confirm_appointment` does. Return None if no code was
    sent for it."""
    booking = await repository.find_by_booking(db, clinic_id=ids.clinic_of(booking_id), booking_id=booking_id)
    if booking is None:
        return None
    hold, first_id = booking
    await _check_code(db, hold, entry, now)
    confirmed = await db.atomic(_confirm_held, actor, hold, first_id=first_id, limits=limits, now=now)
    return ConfirmedBooking(confirmed, not hold.confirmed)


async def find_by_link(db: Statements, *, token: str, secret: str) -> tuple[Hold, UUID] | None:
    """Return the booking that a link from a message confirms, with the id of an appointment in it, or None if the link
    is invalid."""
    signed = booking_of(secret, token)
    if signed is None:
        return None
    booking_id, customer_version = signed
    booking = await repository.find_by_booking(db, clinic_id=ids.clinic_of(booking_id), booking_id=booking_id)
    # the customer's address may have changed since the message was sent
    return booking if booking and booking[0].customer_version == customer_version else None


async def confirm_by_link(
    db: Database, actor: Actor, hold: Hold, *, first_id: UUID, limits: BookingLimits, now: datetime
) -> ConfirmedBooking:
    """Confirm all appointments in the booking that a link was sent for. Raise the same errors as
    `confirm_appointment`."""
    if hold.is_expired(now):
        raise errors.Conflict("hold-expired")
    confirmed = await db.atomic(_confirm_held, actor, hold, first_id=first_id, limits=limits, now=now)
    return ConfirmedBooking(confirmed, not hold.confirmed)


async def _check_code(db: Database, hold: Hold, entry: CodeEntry, now: datetime) -> None:
    """Check the code. A wrong code is counted as an attempt before the caller learns that it is wrong. The right one is
    not counted, so submitting a form several times does not use up the attempts. Once the address is confirmed, accept
    anything.
    """
    if hold.confirmed:
        return
    if hold.is_expired(now):
        raise errors.Conflict("hold-expired")
    if entry.code is None:
        raise errors.Conflict("code-required")
    clinic_id = ids.clinic_of(hold.booking_id)
    attempt = await repository.count_attempt(
        db,
        clinic_id=clinic_id,
        booking_id=hold.booking_id,
        right_number=hold.number if _is_right(entry.code, hold, hold.number, entry.secret) else None,
    )
    if attempt is None:
        booking = await repository.find_by_booking(db, clinic_id=clinic_id, booking_id=hold.booking_id)
        if booking and booking[0].confirmed:  # a concurrent request got there first
            return
        raise errors.Conflict("new-code-required")
    if not _is_right(entry.code, hold, attempt.number, entry.secret):
        if attempt.attempts >= MAX_ATTEMPTS:
            raise errors.Conflict("new-code-required")
        raise errors.Conflict("wrong-confirmation-code", attemptsLeft=MAX_ATTEMPTS - attempt.attempts)


def _is_right(entered: str, hold: Hold, number: int, secret: str) -> bool:
    return hmac.compare_digest(code(secret, hold.booking_id, number).encode(), entered.encode())


async def confirm_held(
    tx: Transaction, actor: Actor, *, booking_id: UUID, among: Sequence[UUID], now: datetime
) -> None:
    """Confirm whichever of the given appointments are on hold, for a caller who does not need a code. Raise a
    `hold-expired` `Conflict`, or `wrong-status` if none are on hold.
    """
    hold_ids = await repository.list_held(tx, clinic_id=ids.clinic_of(booking_id), booking_id=booking_id)
    if not (own := [id for id in hold_ids if id in among]):
        appointment = await service.get(tx, among[0])
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.BOOKED)
    for appointment_id in own:
        await transitions.apply(tx, actor, appointment_id=appointment_id, name="confirm", if_match=ANY_VERSION, now=now)


async def _confirm_held(
    tx: Transaction, actor: Actor, hold: Hold, *, first_id: UUID, limits: BookingLimits, now: datetime
) -> Appointment:
    hold_ids = await repository.list_held(tx, clinic_id=ids.clinic_of(hold.booking_id), booking_id=hold.booking_id)
    if hold_ids:
        return await _confirm(tx, actor, hold, appointment_ids=hold_ids, limits=limits, now=now)
    appointment = await service.get(tx, first_id)
    if appointment.status not in CONFIRMED_STATUSES:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.BOOKED)
    return appointment


async def _confirm(
    tx: Transaction,
    actor: Actor,
    hold: Hold,
    *,
    appointment_ids: Sequence[UUID],
    limits: BookingLimits,
    now: datetime,
) -> Appointment:
    clinic_id = ids.clinic_of(hold.booking_id)
    for appointment_id in appointment_ids:  # in the same order as other changes lock them
        await service.lock(tx, appointment_id, ANY_VERSION)
    if await repository.mark_confirmed(tx, clinic_id=clinic_id, booking_id=hold.booking_id, now=now):
        await _identify_person(tx, actor, hold, limits=limits, now=now)
    for appointment_id in appointment_ids:
        appointment = await service.get(tx, appointment_id)
        if appointment.status not in CONFIRMED_STATUSES:
            await transitions.apply(
                tx, actor, appointment_id=appointment_id, name="confirm", if_match=ANY_VERSION, now=now
            )
    return await service.get(tx, appointment_ids[0])


async def _identify_person(tx: Transaction, actor: Actor, hold: Hold, *, limits: BookingLimits, now: datetime) -> None:
    """Record that the booker's address is confirmed. If the same person already has a confirmed record, assign the
    booking to that record and delete the booker's.
    """
    clinic_id = ids.clinic_of(hold.booking_id)
    booker = await confirmed_addresses.lock(tx, hold.customer_id, version=hold.customer_version)
    if booker is None:  # the address may have changed since the code was sent
        raise errors.Conflict("new-code-required")
    person_id = None if booker.is_confirmed else await confirmed_addresses.find_same_person(tx, booker.id)
    if person_id is None:
        await confirmed_addresses.mark_confirmed(tx, booker.id, channel=booker.channel, now=now)
        return
    try:
        await repository.assign_to(
            tx, clinic_id=clinic_id, booking_id=hold.booking_id, customer_id=booker.id, person_id=person_id
        )
    except asyncpg.ExclusionViolationError as error:
        if not violates(error, *PATIENT_FREE):
            raise
        raise errors.Conflict("customer-busy", alternatives=[]) from error
    if not await repository.fits_limits(
        tx, clinic_id=clinic_id, customer_id=person_id, appointments=limits.appointments, holds=limits.holds, now=now
    ):
        raise errors.Conflict("too-many-appointments", alternatives=[])
    try:
        async with tx.savepoint():
            await confirmed_addresses.delete_duplicate(tx, booker.id)
    except asyncpg.ForeignKeyViolationError:  # another booking or a preference still refers to it
        pass
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[hold.booking_id, booker.id, person_id])


async def send_next_code_for(db: Database, actor: Actor, *, appointment_id: UUID, now: datetime) -> Confirmation:
    """Run `send_next_code` in a transaction of its own."""
    return await db.atomic(send_next_code, actor, appointment_id=appointment_id, now=now)


async def send_next_code(tx: Transaction, actor: Actor, *, appointment_id: UUID, now: datetime) -> Confirmation:
    """Send the booker a new code and invalidate the previous one. This does not extend the hold.

    Raise `Conflict`: `too-many-codes`, `hold-expired`, or `wrong-status` if the appointment needs no code.
    """
    clinic_id = ids.clinic_of(appointment_id)
    hold = await repository.find_by_appointment(tx, clinic_id=clinic_id, appointment_id=appointment_id)
    appointment = await service.get(tx, appointment_id)
    if hold and not hold.confirmed and hold.is_expired(now):
        raise errors.Conflict("hold-expired")
    if hold is None or hold.confirmed or hold.status != Status.PENDING:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.BOOKED)
    if not await repository.request_next_code(tx, clinic_id=clinic_id, booking_id=hold.booking_id, now=now):
        raise errors.Conflict("too-many-codes")
    details = await service.find_for_holder(tx, appointment_id)
    assert details, "the appointment exists"
    assert details.code_sent_to, "the booker is active"
    assert details.hold_expires_at, "the appointment is on hold"
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id])
    return Confirmation.to(details.code_sent_to, details.hold_expires_at)
