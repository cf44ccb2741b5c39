"""Read appointments, change their notes, and lock them for other changes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from .. import audit
from ..clinics.catalogue import repository as catalogues
from ..clinics.catalogue.model import Catalogue
from ..database.pool import Statements, Transaction
from ..http.etags import check
from ..kit import errors, ids
from ..kit.actors import Actor
from . import repository
from .availability.model import Range
from .model import Appointment, AppointmentDetails, AppointmentPatch, CustomerVisit, StoredAppointment
from .time_rules import without


async def get(db: Statements, appointment_id: UUID) -> Appointment:
    """Return the appointment, or raise `NotFound`."""
    return (await get_stored(db, appointment_id)).appointment


async def get_stored(db: Statements, appointment_id: UUID) -> StoredAppointment:
    """Return the appointment with its claim and version, or raise `NotFound`."""
    stored = await repository.find(db, clinic_id=ids.clinic_of(appointment_id), appointment_id=appointment_id)
    if stored is None:
        raise errors.NotFound
    return stored


async def find_for_holder(db: Statements, appointment_id: UUID) -> AppointmentDetails | None:
    """Return an appointment for its manage link's page."""
    return await repository.find_details(db, clinic_id=ids.clinic_of(appointment_id), appointment_id=appointment_id)


async def find_latest_by_callers(
    db: Statements, *, clinic_id: int, callers: Sequence[str], since: datetime
) -> Appointment | None:
    """Return the latest live appointment booked by one of these callers, as identified by their idempotency keys."""
    return await repository.find_latest_by_callers(db, clinic_id=clinic_id, callers=callers, since=since)


async def list_visits(
    db: Statements,
    *,
    customer_ids: Sequence[UUID],
    wards: Sequence[tuple[UUID, int | None]],
    now: datetime,
    limit: int,
) -> list[CustomerVisit]:
    """Return the customers' own appointments, those that they booked for others, and their wards' appointments, at all
    clinics: at most `limit` upcoming and `limit` past ones. For each ward, pass the only clinic to include, or None to
    include all clinics.
    """
    return await repository.list_visits(db, customer_ids=customer_ids, wards=wards, now=now, limit=limit)


async def find_other_times(db: Statements, appointment: Appointment, *, start: datetime, end: datetime) -> list[Range]:
    """Return the times of the customer's other live appointments at the clinic, within `[start, end)`."""
    busy = await repository.find_busy_times(
        db,
        clinic_id=appointment.clinic_id,
        customer_ids=[appointment.customer_id],
        start=start,
        end=end,
    )
    return without(busy.get(appointment.customer_id, []), (appointment.start_time, appointment.end_time))


async def change(
    tx: Transaction, actor: Actor, *, appointment_id: UUID, change: AppointmentPatch, if_match: str | None
) -> Appointment:
    """Change the appointment's notes. Raise a `customer-erased` `Conflict` if the customer's data was erased."""
    (appointment, *_), _ = await lock(tx, appointment_id, if_match)
    notes = appointment.notes if change.notes is msgspec.UNSET else change.notes
    staff_notes = appointment.staff_notes if change.staff_notes is msgspec.UNSET else change.staff_notes
    is_change = change != AppointmentPatch()
    if is_change and not await repository.change_notes(
        tx,
        clinic_id=ids.clinic_of(appointment_id),
        appointment_id=appointment_id,
        to=repository.NotesChange(notes, staff_notes),
    ):
        raise errors.Conflict("customer-erased")
    await audit.record(tx, actor, clinic_id=ids.clinic_of(appointment_id), subjects=[appointment_id])
    return await get(tx, appointment_id)


async def revoke_link(tx: Transaction, *, actor: Actor, appointment_id: UUID) -> Appointment:
    """Revoke the appointment's manage link. Messages sent from now on contain a new one."""
    stored, _ = await lock(tx, appointment_id, "*")
    clinic_id = stored.appointment.clinic_id
    await repository.revoke_link(tx, clinic_id=clinic_id, appointment_id=appointment_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[appointment_id])
    return await get(tx, appointment_id)


async def lock(
    tx: Transaction,
    appointment_id: UUID,
    if_match: str | None,
    *,
    other_doctor_id: UUID | None = None,
    version_optional: bool = False,
) -> tuple[StoredAppointment, Catalogue]:
    """Lock the appointment until the transaction ends, and return it with its clinic's current catalogue.

    Raise `NotFound` for an unknown appointment, `VersionMismatch` for an outdated `if_match`, or `VersionRequired` if
    the clinic requires one and it is missing, unless `version_optional`.
    """
    clinic_id = ids.clinic_of(appointment_id)
    stored = await repository.lock(
        tx, clinic_id=clinic_id, appointment_id=appointment_id, other_doctor_id=other_doctor_id
    )
    catalogue = await catalogues.load(tx, clinic_id)
    if stored is None or catalogue is None:
        raise errors.NotFound
    check(if_match, stored.version, required=catalogue.require_version and not version_optional)
    return stored, catalogue
