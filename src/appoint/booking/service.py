"""Moving, running and cancelling appointments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from .. import audit
from ..clinics.catalogue import repository as catalogues
from ..clinics.catalogue.model import Catalogue
from ..database.pool import Database, Statements, Transaction, violates
from ..http.etags import check
from ..kit import errors, ids
from ..kit.actors import Actor
from . import repository
from .model import (
    TRANSITIONS,
    Appointment,
    AppointmentPatch,
    CancelCause,
    RescheduleRequest,
    Status,
    StoredAppointment,
    for_the_record,
    is_late,
)
from .planning import BookingPlan
from .refusals import Overridable, Refused, StaleCatalogue, explain_refusal
from .rules import AppointmentSpec, CurrentTime, Override, buffers, catalogue_violation

ATTEMPTS: Final = 3
MOVABLE: Final = frozenset({Status.PENDING, Status.BOOKED})
BATCH: Final = 500


async def get(db: Statements, appointment_id: UUID) -> Appointment:
    """Raises `NotFound`."""
    return (await _find(db, appointment_id)).appointment


async def _find(db: Statements, appointment_id: UUID) -> StoredAppointment:
    stored = await repository.find(db, clinic_id=ids.clinic_of(appointment_id), appointment_id=appointment_id)
    if stored is None:
        raise errors.NotFound
    return stored


async def change(
    tx: Transaction, actor: Actor, *, appointment_id: UUID, change: AppointmentPatch, if_match: str | None
) -> Appointment:
    """Change the notes."""
    await _locked(tx, appointment_id, if_match)
    if change.notes is not msgspec.UNSET and not await repository.change_notes(
        tx, clinic_id=ids.clinic_of(appointment_id), appointment_id=appointment_id, notes=change.notes
    ):
        raise errors.Conflict("customer-erased")
    await audit.record(tx, actor, clinic_id=ids.clinic_of(appointment_id), subjects=[appointment_id])
    return await get(tx, appointment_id)


async def _locked(
    tx: Transaction, appointment_id: UUID, if_match: str | None, *, other_doctor_id: UUID | None = None
) -> tuple[StoredAppointment, Catalogue]:
    """The appointment, and its clinic's catalogue as it is now. Both stay as they are until the transaction ends."""
    clinic_id = ids.clinic_of(appointment_id)
    stored = await repository.lock(
        tx, clinic_id=clinic_id, appointment_id=appointment_id, other_doctor_id=other_doctor_id
    )
    catalogue = await catalogues.load(tx, clinic_id)
    if stored is None or catalogue is None:
        raise errors.NotFound
    check(if_match, stored.version, required=catalogue.require_version)
    return stored, catalogue


async def step(tx: Transaction, actor: Actor, *, appointment_id: UUID, name: str, now: datetime) -> Appointment:
    """Take an appointment a step of its day further (`model.STEPS`).

    Raises `Conflict`: `wrong-status`; `hold-expired` for a hold that has run out, whether or not it has been cancelled
    yet; `not-started` for a no-show before its time; `taken` or `outside-hours` when somebody came after all and the
    time is gone.
    """
    (appointment, _, _, cancel_cause), _ = await _locked(tx, appointment_id, None)
    wanted = TRANSITIONS[name]
    if name == "confirm" and (
        cancel_cause == CancelCause.HOLD_EXPIRED or (appointment.hold_expires_at and appointment.hold_expires_at <= now)
    ):
        raise errors.Conflict("hold-expired")
    if appointment.status not in wanted.sources:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=wanted.target)
    if name == "noShow" and appointment.start_time > now:
        raise errors.Conflict("not-started")
    await _change_status(tx, appointment, name)
    await audit.record(tx, actor, clinic_id=appointment.clinic_id, subjects=[appointment_id])
    return await get(tx, appointment_id)


async def cancel(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    reason: str | None,
    late_because: str | None = None,
    if_match: str | None,
    now: datetime,
) -> None:
    """Cancel an appointment; one that is cancelled stays so. `late_because` is why it may be cancelled inside the
    clinic's notice too.

    Raises `Conflict`: `wrong-status` for one that is over, `too-late`.
    """
    (appointment, *_), catalogue = await _locked(tx, appointment_id, if_match)
    if appointment.status == Status.CANCELLED:
        await audit.record(tx, actor, clinic_id=appointment.clinic_id, subjects=[appointment_id])
        return
    if appointment.status not in TRANSITIONS["cancel"].sources:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.CANCELLED)
    late = is_late(appointment, catalogue, now)
    if late and late_because is None:
        raise _too_late(catalogue)
    await _change_status(tx, appointment, "cancel", reason=reason, late_because=late_because if late else None)
    if _has_own_hours(appointment):
        await repository.withdraw_remnant(
            tx,
            clinic_id=appointment.clinic_id,
            doctor_id=appointment.doctor_id,
            start=appointment.start_time,
            end=appointment.end_time,
        )
    await audit.record(
        tx,
        actor,
        clinic_id=appointment.clinic_id,
        subjects=[appointment_id],
        reason=for_the_record(["too-late"] if late else []),
    )


def _too_late(catalogue: Catalogue) -> errors.Conflict:
    phone = {"phone": catalogue.phone} if catalogue.phone else {}
    return errors.Conflict("too-late", minutes=catalogue.cancel_notice_minutes, **phone)


def _has_own_hours(appointment: Appointment) -> bool:
    """Whether something may be published for it alone."""
    return appointment.needs_rebooking or "outside-hours" in appointment.overrides


async def _change_status(
    tx: Transaction, appointment: Appointment, name: str, *, reason: str | None = None, late_because: str | None = None
) -> None:
    to = TRANSITIONS[name]
    try:
        await repository.change_status(
            tx,
            clinic_id=appointment.clinic_id,
            appointment_id=appointment.id,
            status=to.target,
            event=to.event,
            cancel_reason=reason,
            late_because=late_because,
        )
    except asyncpg.ExclusionViolationError as error:
        raise errors.Conflict(
            "customer-busy" if violates(error, "customer_free") else "taken", alternatives=[]
        ) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise errors.Conflict("outside-hours", alternatives=[]) from error


async def reschedule(
    db: Database, actor: Actor, *, appointment_id: UUID, to: RescheduleRequest, if_match: str | None, now: datetime
) -> Appointment:
    """Move an appointment to another time, another doctor, or both, in place: it keeps its id and may overlap its own
    old time.

    Raises `Conflict` as `book` does, `too-late` inside the clinic's notice, and `wrong-status` for one that is not to
    come any more. What an override allows is set aside where it is in the way.
    """
    clinic_id = ids.clinic_of(appointment_id)
    if to.doctor_id and ids.clinic_of(to.doctor_id) != clinic_id:
        raise errors.NotFound
    overrides: Sequence[str] = ()
    for _ in range(ATTEMPTS):
        try:
            return await db.atomic(
                _move, actor, appointment_id=appointment_id, to=to, if_match=if_match, overrides=overrides, now=now
            )
        except _Refused:
            match await _explain_move(db, clinic_id, appointment_id, to, now):
                case Refused(conflict):
                    raise conflict from None
                case Overridable(rules):
                    overrides = rules.get(0, ())
                case StaleCatalogue():
                    overrides = ()
    raise errors.Conflict("taken", alternatives=[])


async def _move(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    to: RescheduleRequest,
    if_match: str | None,
    overrides: Sequence[str],
    now: datetime,
) -> Appointment:
    """Move an appointment, overriding rules where they are in the way. Raise `_Refused` when that writes nothing."""
    clinic_id = ids.clinic_of(appointment_id)
    if "outside-hours" in overrides:
        doctor_id = (await _find(tx, appointment_id)).appointment.doctor_id
        await repository.lock_hours(tx, clinic_id=clinic_id, doctor_ids=[doctor_id, to.doctor_id or doctor_id])
    (appointment, *_), catalogue = await _locked(tx, appointment_id, if_match, other_doctor_id=to.doctor_id)
    _check_movable(appointment, now)
    spec = _moved(appointment, catalogue, to)
    current = appointment.doctor_id, appointment.start_time, appointment.end_time
    if (spec.doctor_id, spec.start, spec.end) == current:
        spec, reason = spec._replace(overrides=tuple(appointment.overrides)), appointment.override_reason
        audit_reason = None
    else:
        late = is_late(appointment, catalogue, now)
        spec, reason = _overriding(spec, to.override, overrides, catalogue, late=late)
        audit_reason = for_the_record(spec.overrides)
    if catalogue_violation(spec, catalogue, now):
        raise _Refused
    try:
        if not await repository.move(
            tx, clinic_id=clinic_id, appointment_id=appointment_id, spec=spec, override_reason=reason, now=now
        ):
            raise _Refused
    except (asyncpg.ExclusionViolationError, asyncpg.ForeignKeyViolationError) as error:
        raise _Refused from error
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id], reason=audit_reason)
    return await get(tx, appointment_id)


class _Refused(Exception):
    """A signal, never seen outside: the database refused a move; why is found out after its transaction."""


def _check_movable(appointment: Appointment, now: datetime) -> None:
    if appointment.status not in MOVABLE:
        raise errors.Conflict("wrong-status", appointmentStatus=appointment.status, wanted=Status.BOOKED)
    if appointment.hold_expires_at and appointment.hold_expires_at <= now:
        raise errors.Conflict("hold-expired")


def _overriding(
    spec: AppointmentSpec, override: Override | None, in_the_way: Sequence[str], catalogue: Catalogue, *, late: bool
) -> tuple[AppointmentSpec, str | None]:
    """Return the spec with the rules overridden for it, and the reason. Raise `Conflict` `too-late`."""
    if late and not (override and "too-late" in override.allow):
        raise _too_late(catalogue)
    spec = spec._replace(overrides=("too-late", *in_the_way) if late else tuple(in_the_way))
    return spec, override.reason if override and spec.overrides else None


def _moved(appointment: Appointment, catalogue: Catalogue, to: RescheduleRequest) -> AppointmentSpec:
    """Return the spec of the appointment at its new time, with the type's buffers as they are now."""
    type_id = appointment.appointment_type_id
    doctor_id = to.doctor_id or appointment.doctor_id
    if doctor_id not in catalogue.doctors:
        raise errors.NotFound
    end = to.end_time or to.start_time + (appointment.end_time - appointment.start_time)
    before, after = buffers(catalogue.types.get(type_id) if type_id else None)
    return AppointmentSpec(
        0,
        appointment.customer_id,
        None,
        to.start_time,
        end,
        to.start_time - before,
        end + after,
        doctor_id,
        catalogue.offering(type_id, doctor_id),
        notes=None,
        hold=False,
    )


async def _explain_move(
    db: Statements, clinic_id: int, appointment_id: UUID, to: RescheduleRequest, now: datetime
) -> Refused | Overridable | StaleCatalogue:
    appointment, claim, *_ = await _find(db, appointment_id)
    catalogue = await catalogues.load(db, clinic_id)
    assert catalogue, "a clinic is never deleted"
    current = CurrentTime(
        appointment.doctor_id,
        appointment.start_time,
        appointment.end_time,
        claim,
        has_own_hours=_has_own_hours(appointment),
    )
    plan = BookingPlan(catalogue, [_moved(appointment, catalogue, to)], now, to.override)
    return await explain_refusal(db, plan, current=current)


async def expire_holds(db: Statements, *, now: datetime) -> int:
    """Cancel the holds that have run out; returns how many."""
    expired = 0
    while found := await repository.expire_holds(db, now=now, most=BATCH):
        expired += found
        if found < BATCH:
            break
    return expired
