"""Customers registering and leaving, and what a clinic notes about its patients."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from .. import audit
from ..clinics.clinics import service as clinics
from ..database.pool import Row, Statements, Transaction
from ..http.etags import check
from ..kit import clock, errors, phones
from ..kit.actors import Actor, LinkedCustomers
from ..kit.ids import PLATFORM
from ..kit.structs import merge
from . import repository
from .model import (
    EVERYBODY,
    Customer,
    CustomerContent,
    CustomerPatch,
    FoundCustomer,
    Patient,
    PatientPatch,
    search_terms,
)

INDEXED: Final = re.compile(r"\w{3}")
"""The index of words holds groups of three letters."""
MOST_FOUND: Final = 20
EARLIEST_ZONE: Final = "Pacific/Kiritimati"
"""Where a day begins first: whose zone is not known may have been born there today."""


async def get(db: Statements, customer_id: UUID) -> Customer:
    """Raises `NotFound`."""
    if customer := await repository.find(db, customer_id):
        return customer
    raise errors.NotFound


async def linked_customers(
    db: Statements, customer_id: UUID, known: LinkedCustomers | None
) -> tuple[Customer, list[Row]]:
    """A patient who has signed in, and the others whom their code was for and of whom nothing has changed since: `id`
    and `name`. Raises `NotFound`."""
    own = await get(db, customer_id)
    people = await repository.unchanged(db, known.ids, since=known.since) if known else []
    return own, [person for person in people if person.id != own.id] if any(
        person.id == own.id for person in people
    ) else []


async def search(db: Statements, *, q: str | None, after: tuple[UUID] | None, limit: int) -> Sequence[Customer]:
    """Customers who have not left, oldest first; with `q` those whose name, e-mail address or phone number has its
    words."""
    words = (search_terms(q) or EVERYBODY).words
    if indexed := [word for word in words if INDEXED.search(word)]:
        return await repository.matching(db, words=words, rare=max(indexed, key=len), after=after, limit=limit)
    return await repository.registered(db, words=words, after=after, limit=limit)


async def at_address(db: Statements, *, clinic_id: int, email: str | None, phone: str | None) -> list[FoundCustomer]:
    """The customers, of whatever clinic, who have exactly this e-mail address or phone number: several where a family
    shares it, `MOST_FOUND` at most.

    Raises `NotFound` for a clinic that is not there, and `Invalid` for a number that cannot be.
    """
    clinic = await clinics.get(db, clinic_id)
    number = phones.to_e164(phone, time_zone=clinic.time_zone, locale=clinic.locale) if phone else None
    if phone and number is None:
        raise errors.Invalid(errors.Fault("?phone", phones.INVALID_PHONE_NUMBER))
    return await repository.found(db, clinic_id=clinic_id, email=email, phone=number, most=MOST_FOUND)


async def register(tx: Transaction, actor: Actor, *, content: CustomerContent, now: datetime) -> Customer:
    """Register a customer. Raises `Invalid` for a phone number that cannot exist, or a future birth date."""
    customer = await repository.add(tx, _read(content, known_phone=None, now=now))
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer.id])
    return customer


async def change(
    tx: Transaction,
    actor: Actor,
    *,
    customer_id: UUID,
    change: CustomerContent | CustomerPatch,
    if_match: str | None,
    now: datetime,
) -> Customer:
    """Replace the customer's details, or the patched part of them. Raises `Invalid` as `register` does, and `Conflict`
    `customer-erased`."""
    customer = await _locked(tx, customer_id, if_match)
    if customer.erased_at:
        raise errors.Conflict("customer-erased")
    content = (
        change
        if isinstance(change, CustomerContent)
        else merge(msgspec.convert(customer, CustomerContent, from_attributes=True), change)
    )
    back = isinstance(change, CustomerPatch) and change.active is True
    content = _read(content, known_phone=customer.phone, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer_id])
    return await repository.change(tx, customer_id, content, removed_at=None if back else customer.removed_at)


async def remove(tx: Transaction, actor: Actor, *, customer_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove a customer. Raises `Conflict` `customer-has-appointments` while they have future live appointments at any
    clinic.

    A booking reads the customer `for key share`, so a booking that races with this either commits first and stops it,
    or finds the customer removed.
    """
    customer = await _locked(tx, customer_id, if_match)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer_id])
    if not customer.active:
        return
    if appointments := await repository.appointments_to_come(tx, customer_id, now=now):
        raise errors.Conflict("customer-has-appointments", count=appointments)
    await repository.remove(tx, customer_id, now=now)


async def _locked(tx: Transaction, customer_id: UUID, if_match: str | None) -> Customer:
    customer = await repository.lock(tx, customer_id)
    if customer is None:
        raise errors.NotFound
    check(if_match, customer.version)
    return customer


def _read(content: CustomerContent, *, known_phone: str | None, now: datetime) -> CustomerContent:
    """The content with its phone number as it is kept; one that is known already is not read again."""
    faults: list[errors.Fault] = []
    phone = content.phone
    if phone and phone != known_phone:
        phone = phones.to_e164(phone, time_zone=content.time_zone, locale=content.locale)
        if phone is None:
            faults.append(errors.Fault("#/phone", phones.INVALID_PHONE_NUMBER))
    if content.birth_date and content.birth_date > clock.local_date(now, content.time_zone or EARLIEST_ZONE):
        faults.append(errors.Fault("#/birthDate", "must not be in the future"))
    if faults:
        raise errors.Invalid(*faults)
    return msgspec.structs.replace(content, phone=phone)


async def get_patient(db: Statements, clinic_id: int, customer_id: UUID) -> Patient:
    """Raises `NotFound`, also for a customer who has never booked at this clinic."""
    if patient := await repository.patient(db, clinic_id, customer_id):
        return patient
    raise errors.NotFound


async def note(
    tx: Transaction, actor: Actor, *, clinic_id: int, customer_id: UUID, patch: PatientPatch, if_match: str | None
) -> Patient:
    """Change the clinic's notes about a patient. Raises `Conflict`: `record-number-taken`, `customer-erased`."""
    await repository.lock_patient(tx, clinic_id, customer_id)
    patient = await get_patient(tx, clinic_id, customer_id)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=patient.version)
    noted = merge(patient, patch)
    try:
        await repository.change_patient(
            tx, clinic_id, customer_id, record_number=noted.record_number, notes=noted.notes
        )
    except asyncpg.UniqueViolationError as error:
        raise errors.Conflict("record-number-taken") from error
    except asyncpg.ForeignKeyViolationError as error:  # an erased customer gets no more notes
        raise errors.Conflict("customer-erased") from error
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[customer_id])
    return await get_patient(tx, clinic_id, customer_id)
