"""Book appointments."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from ..clinics.audience import NO_FACTS, PatientFacts
from ..clinics.catalogue import service as catalogues
from ..clinics.catalogue.model import Catalogue
from ..customers import service as customers
from ..database.pool import Database, Statements, Transaction
from ..database.shares import CLINIC
from ..http.idempotency.keys import KEY_TTL
from ..kit import errors, phones
from ..kit.cache import ClinicCache
from ..kit.metrics import BOOKINGS
from ..kit.recent_values import Change
from . import half_day_search, repository
from .assignment import Assignment
from .model import BookedAppointments
from .planning import NO_OVERRIDES, BookingCommand, BookingPlan, Overrides, SlotTime, plan_booking
from .policy import advise
from .refusals import Overridable, Refused, explain_refusal, load_customer_time, next_overrides

PARTIAL_BOOKING: Final = "AP001"
"""The SQLSTATE that the database function `refuse_partial` raises."""


TIME_REASONS: Final = frozenset({"outside-hours", "start-not-offered", "customer-busy", "taken"})
"""The reasons that apply to a time rather than to a whole half day."""


class Booked(NamedTuple):
    booking: BookedAppointments
    """The appointments, in request order."""
    replayed: bool = False
    """Whether an earlier request with the same idempotency key booked them."""


Completion = Callable[[Transaction, BookedAppointments], Awaitable[None]]
"""What to write in the same transaction as a booking. It may run more than once."""


class _NothingWritten(Exception):
    """Internal signal: no appointment could be written, so the hours published for it are rolled back."""


async def book(
    db: Database, cache: ClinicCache, command: BookingCommand, *, complete: Completion | None = None
) -> Booked:
    """Book all requested appointments or none, in one round trip if no rule is violated and there is nothing to
    `complete`, which does not run for a repeat.

    The database decides races: only one of several concurrent requests gets the time. Override a rule only if the
    command allows it and an appointment violates it; to override hours, publish them for that appointment alone. If the
    request is a repeat, return what the first one booked, in its current state.

    Raise `NotFound` for an unknown clinic, doctor, type, slot or customer, and `KeyReused` for an idempotency key that
    was sent before with different content. Raise `Conflict` with the first rule (`time_rules.REASONS`) that applies, up
    to five alternatives and the index of the first refused request.
    """
    CLINIC.set(command.clinic_id)
    overrides: Overrides = NO_OVERRIDES
    doctors: Assignment = {}

    async def attempt(catalogue: Catalogue, number: int) -> Booked:
        nonlocal overrides, doctors
        try:
            slots, patients = await _find_slots(db, command), await _find_patients(db, command, catalogue)
            plan = plan_booking(command, catalogue, overrides, slots, patients)
        except errors.NotFound:  # the slot may have been withdrawn since an earlier request
            if earlier := await find_earlier(db, command):
                return Booked(earlier, replayed=True)
            raise
        if plan.needs_code and not command.is_reachable and await _is_landline_only(db, plan):
            if earlier := await find_earlier(db, command):
                return Booked(earlier, replayed=True)
            raise errors.Conflict("address-required", alternatives=[])
        write = _insert_first if number == 0 or plan.half_day else _insert
        if plan.violation is None and (booking := await write(db, command, plan.with_doctors(doctors), complete)):
            return Booked(_advise(booking, plan))
        if earlier := await find_earlier(db, command):
            return Booked(earlier, replayed=True)
        if plan.half_day and plan.violation is None:
            return await _insert_first_free(db, cache, command, plan, complete)
        if number > 0 or plan.violation in (None, "in-the-past"):  # other violations may come from a stale catalogue
            explanation = await explain_refusal(db, plan)
            overrides = next_overrides(explanation)
            several = len(plan.specs) > 1  # for a single appointment, the statement chooses the doctor
            doctors = explanation.doctors if several and isinstance(explanation, Overridable) else {}
        raise catalogues.Stale

    try:
        result = await catalogues.with_fresh(
            db, cache, command.clinic_id, attempt, exhausted=errors.Conflict("taken", alternatives=[])
        )
    except errors.Conflict as conflict:
        BOOKINGS.labels(conflict.type).inc()
        raise
    BOOKINGS.labels("replayed" if result.replayed else "booked").inc()
    for appointment in result.booking.appointments:
        cache.recent.forget(Change(command.clinic_id, appointment.doctor_id, appointment.start_time.date()))
    return result


def _advise(booking: BookedAppointments, plan: BookingPlan) -> BookedAppointments:
    """Return the booking, with an advisory for every patient rule that one of its appointments does not follow."""
    if not any(spec.advisories for spec in plan.specs):
        return booking
    appointments = [
        msgspec.structs.replace(appointment, advisories=[advise(plan.catalogue, rule) for rule in spec.advisories])
        for appointment, spec in zip(booking.appointments, plan.specs, strict=True)
    ]
    return booking._replace(appointments=appointments)


async def _find_slots(db: Statements, command: BookingCommand) -> Mapping[UUID, SlotTime]:
    ids = [request.time.booking_slot_id for request in command.requests if request.time.booking_slot_id]
    return await repository.find_slot_times(db, clinic_id=command.clinic_id, slot_ids=ids) if ids else {}


async def _find_patients(db: Statements, command: BookingCommand, catalogue: Catalogue) -> Mapping[UUID, PatientFacts]:
    """Return the facts about the patients, which only clinics with selective doctors or types need."""
    if not catalogue.is_selective:
        return NO_FACTS
    ids = [request.customer_id for request in command.requests]
    return await repository.find_patient_facts(db, clinic_id=command.clinic_id, customer_ids=ids)


async def _is_landline_only(db: Database, plan: BookingPlan) -> bool:
    """Return whether the booker only has a landline number, which cannot receive the code."""
    booker = await customers.get(db.reading(), plan.booker_id or plan.specs[0].customer_id)
    return booker.phone is not None and not booker.email and not phones.is_mobile(booker.phone)


async def find_earlier(db: Statements, command: BookingCommand) -> BookedAppointments | None:
    """Return what an earlier request with this idempotency key booked. Raise `KeyReused` if its content differed.

    If the key has expired, free it so that it can be used again.
    """
    key = command.idempotency
    earlier = key and await repository.find_by_idempotency_key(
        db, clinic_id=command.clinic_id, caller=key.caller, key=key.key, ttl=KEY_TTL
    )
    if not (key and earlier):
        return None
    digest, appointments = earlier
    if digest != key.digest:
        raise errors.KeyReused
    return appointments


async def _insert_first(
    db: Database, command: BookingCommand, plan: BookingPlan, complete: Completion | None
) -> BookedAppointments | None:
    """Write all appointments, or write none and return None. Write a single one together with other callers' bookings,
    which also writes nothing if a row is locked; the next attempt waits for it. Only that statement can choose a time.
    """
    if db.gathers and complete is None and repository.can_gather(command, plan):
        return await repository.insert_gathered(db, command, plan)
    return None if plan.half_day else await _insert(db, command, plan, complete)


async def _insert_first_free(
    db: Database, cache: ClinicCache, command: BookingCommand, plan: BookingPlan, complete: Completion | None
) -> Booked:
    """Book the first free time in half a day by itself, or the next one for as long as others are faster. Raise a
    `taken` `Conflict` if no time is left, and `Stale` if a time is free but cannot be booked.
    """
    (spec,) = plan.specs
    attempts = set[tuple[UUID, datetime]]()
    while True:
        customer = (await load_customer_time(db, plan)).before(spec, plan.specs)
        time = await half_day_search.find_first_free(db, plan, customer.busy)
        if time is None:
            raise await half_day_search.refuse(db, cache, plan, customer)
        if (time.doctor_id, time.start_time) in attempts:
            break
        attempts.add((time.doctor_id, time.start_time))
        if booking := await _insert(db, command, plan.at(time), complete):
            return Booked(_advise(booking, plan))
    explanation = await explain_refusal(db, plan.at(time))
    if isinstance(explanation, Refused) and explanation.conflict.type not in TIME_REASONS:
        raise explanation.conflict
    raise catalogues.Stale


async def _insert(
    db: Database, command: BookingCommand, plan: BookingPlan, complete: Completion | None
) -> BookedAppointments | None:
    """Write all appointments, or write none and return None.

    This takes one statement. If hours are overridden, the missing ones are published first, and if there is something
    to complete, it is written afterwards, in the same transaction.
    """
    outside_hours = [spec for spec in plan.specs if "outside-hours" in spec.overrides]

    async def insert_in_transaction(tx: Transaction) -> BookedAppointments:
        if outside_hours:
            await repository.lock_hours(
                tx, clinic_id=command.clinic_id, doctor_ids=[spec.doctor_id for spec in outside_hours if spec.doctor_id]
            )
            await repository.publish_missing(tx, clinic_id=command.clinic_id, times=outside_hours)
        booking = await repository.insert_appointments(tx, command, plan)
        if booking is None:
            raise _NothingWritten
        if complete:
            await complete(tx, booking)
        return booking

    try:
        if complete:
            return await db.within(command.clinic_id).atomic(insert_in_transaction)
        if outside_hours:
            return await db.atomic(insert_in_transaction)
        return await repository.insert_appointments(db, command, plan)
    except (_NothingWritten, asyncpg.ForeignKeyViolationError):  # outside hours, or an unknown booker
        return None
    except asyncpg.PostgresError as error:
        if error.sqlstate != PARTIAL_BOOKING:
            raise
        return None
