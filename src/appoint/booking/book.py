"""Book appointments."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ..clinics.catalogue import service as catalogues
from ..clinics.catalogue.model import Catalogue
from ..database.pool import Database, Statements, Transaction, sqlstate
from ..kit import errors
from ..kit.cache import ClinicCache
from ..kit.metrics import BOOKINGS
from . import repository
from .model import BookedAppointments
from .planning import NO_OVERRIDES, BookingCommand, BookingPlan, SlotTime, plan_booking
from .refusals import Overridable, Refused, StaleCatalogue, explain_refusal

PARTIAL = "AP001"


class Booked(NamedTuple):
    written: BookedAppointments
    """In the order of the requests."""
    replayed: bool = False
    """Whether an earlier request with the same idempotency key booked them."""


class _Unpublish(Exception):
    """A signal, never seen outside: nothing could be booked, so the hours for it are not published either."""


async def book(db: Database, cache: ClinicCache, command: BookingCommand) -> Booked:
    """Book all requested appointments or none. One round trip when nothing stands in the way.

    The database decides races: of several callers for one time exactly one gets it. Rules that the command may override
    are overridden only where they are in the way; hours are then published for the appointment alone. A repeated
    request gets what the first one booked, as it stands now.

    Raise `NotFound` for a clinic, doctor, type, slot or customer that is not there, `KeyReused`, and `Conflict` with
    the first rule (`rules.REASONS`) that applies, up to five alternatives, and the index of the first request that it
    refuses.
    """
    overrides = NO_OVERRIDES

    async def attempt(catalogue: Catalogue, number: int) -> Booked:
        nonlocal overrides
        plan = plan_booking(command, catalogue, overrides, await _slots(db, command))
        if plan.violation is None and (written := await _insert(db, command, plan)):
            return Booked(written)
        if earlier := await _earlier(db, command):
            return Booked(earlier, replayed=True)
        if number > 0 or plan.violation in (None, "in-the-past"):  # other violations may be those of an old catalogue
            match await explain_refusal(db, plan):
                case Refused(conflict):
                    raise conflict
                case Overridable(rules):
                    overrides = rules
                case StaleCatalogue():
                    pass
        raise catalogues.Stale

    try:
        booked = await catalogues.with_fresh(
            db, cache, command.clinic_id, attempt, exhausted=errors.Conflict("taken", alternatives=[])
        )
    except errors.Conflict as conflict:
        BOOKINGS.labels(conflict.type).inc()
        raise
    BOOKINGS.labels("replayed" if booked.replayed else "booked").inc()
    return booked


async def _slots(db: Statements, command: BookingCommand) -> Mapping[UUID, SlotTime]:
    ids = [request.time.booking_slot_id for request in command.requests if request.time.booking_slot_id]
    return await repository.slot_times(db, clinic_id=command.clinic_id, slot_ids=ids) if ids else {}


async def _earlier(db: Statements, command: BookingCommand) -> BookedAppointments | None:
    """Return what an earlier request with this idempotency key booked. Raise `KeyReused` if its content differed."""
    key = command.idempotency
    earlier = key and await repository.find_by_idempotency_key(
        db, clinic_id=command.clinic_id, caller=key.caller, key=key.key
    )
    if not (key and earlier):
        return None
    digest, appointments = earlier
    if digest != key.digest:
        raise errors.KeyReused
    return appointments


async def _insert(db: Database, command: BookingCommand, plan: BookingPlan) -> BookedAppointments | None:
    """Write all appointments, or none and return None. Hours that are overridden are published first, which takes a
    transaction; without them it is one statement."""
    outside = [spec for spec in plan.specs if "outside-hours" in spec.overrides]

    async def publish_and_insert(tx: Transaction) -> BookedAppointments:
        await repository.lock_hours(
            tx, clinic_id=command.clinic_id, doctor_ids=[spec.doctor_id for spec in outside if spec.doctor_id]
        )
        await repository.publish_missing(tx, clinic_id=command.clinic_id, specs=outside)
        if written := await repository.insert_appointments(tx, command, plan):
            return written
        raise _Unpublish

    try:
        return await (db.atomic(publish_and_insert) if outside else repository.insert_appointments(db, command, plan))
    except (_Unpublish, asyncpg.ForeignKeyViolationError):  # outside the hours, or a booker who is not there
        return None
    except asyncpg.PostgresError as error:
        if sqlstate(error) != PARTIAL:
            raise
        return None
