"""Register, change, remove and search for customers, and change clinics' notes about them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from .. import audit
from ..clinics.clinics import service as clinics
from ..database.pool import Statements, Transaction
from ..http.etags import check
from ..kit import clock, errors, phones
from ..kit.actors import Actor, LinkedCustomers
from ..kit.ids import PLATFORM
from ..kit.structs import content_after, merge
from . import addresses, confirmed_addresses, repository
from .model import (
    NO_TERMS,
    Customer,
    CustomerContent,
    CustomerPatch,
    FoundCustomer,
    Patient,
    PatientPatch,
    SearchTerms,
    search_terms,
)
from .names import name_fault

INDEXABLE: Final = re.compile(r"\w{3}")
"""A word that the trigram index can find: one with at least three letters."""
MAX_RESULTS: Final = 20
EARLIEST_ZONE: Final = "Pacific/Kiritimati"
"""The zone where each day begins first. A customer without a zone may have been born there today."""


async def get(db: Statements, customer_id: UUID) -> Customer:
    """Return a customer, or raise `NotFound`."""
    if customer := await repository.find(db, customer_id):
        return customer
    raise errors.NotFound


async def find_linked_customers(
    db: Statements, customer_id: UUID, linked: LinkedCustomers | None
) -> tuple[Customer, list[repository.Contact]]:
    """Return a signed-in patient and the other customers covered by their sign-in code who have not changed since it
    was sent.

    Raise `NotFound` if the patient is unknown.
    """
    own = await get(db, customer_id)
    contacts = await repository.list_unchanged(db, linked.ids, since=linked.since) if linked else []
    if all(contact.id != own.id for contact in contacts):
        return own, []
    return own, [contact for contact in contacts if contact.id != own.id]


async def search(db: Statements, *, q: str | None, after: tuple[UUID] | None, limit: int) -> Sequence[Customer]:
    """Return active customers, oldest first; with `q`, only those whose name, email address or phone number matches
    it."""
    words = (search_terms(q) or NO_TERMS).words
    if indexed := [word for word in words if INDEXABLE.search(word)]:
        return await repository.list_matching(db, words=words, rare=max(indexed, key=len), after=after, limit=limit)
    return await repository.list_registered(db, words=words, after=after, limit=limit)


async def find_at_address(
    db: Statements, *, clinic_id: int, email: str | None, phone: str | None
) -> list[FoundCustomer]:
    """Return the customers of all clinics who have exactly this email address or phone number. Families may share one.

    Return at most `MAX_RESULTS`. Raise `NotFound` for an unknown clinic, and `Invalid` for an invalid number.
    """
    clinic = await clinics.get(db, clinic_id)
    number = phones.to_e164(phone, time_zone=clinic.time_zone, locale=clinic.locale) if phone else None
    if phone and number is None:
        raise errors.Invalid(errors.Fault("?phone", phones.INVALID_PHONE_NUMBER))
    return await addresses.find_at_address(db, clinic_id=clinic_id, email=email, phone=number, limit=MAX_RESULTS)


async def register(tx: Transaction, actor: Actor, *, content: CustomerContent, now: datetime) -> Customer:
    """Register a customer. Raise `Invalid` for an invalid phone number or a future date of birth and, unless staff or a
    partner registers them, for a name with a link in it."""
    check_name(actor, content.name)
    customer = await repository.add(tx, _normalise(content, stored_phone=None, now=now))
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer.id])
    return customer


async def register_confirmed(tx: Transaction, actor: Actor, *, content: CustomerContent, now: datetime) -> Customer:
    """Return the person with this name and confirmed address, or else register them with a confirmed address. The
    caller has proven that messages to the address reach them. Raise the same errors as `register`."""
    customer = await register(tx, actor, content=content, now=now)
    confirmed = await confirmed_addresses.lock(tx, customer.id, version=customer.version)
    assert confirmed, "just registered"
    person_id = await confirmed_addresses.find_same_person(tx, customer.id)
    if person_id is None:
        await confirmed_addresses.mark_confirmed(tx, customer.id, channel=confirmed.channel, now=now)
        return customer
    await confirmed_addresses.delete_duplicate(tx, customer.id)
    return await get(tx, person_id)


def check_name(actor: Actor, name: str) -> None:
    """Raise `Invalid` if a caller who does not act for a clinic chose a name that must not appear in messages."""
    if not (actor.administrator or actor.memberships) and (fault := name_fault(name)):
        raise errors.Invalid(fault)


async def change(
    tx: Transaction,
    actor: Actor,
    *,
    customer_id: UUID,
    change: CustomerContent | CustomerPatch,
    if_match: str | None,
    now: datetime,
) -> Customer:
    """Replace all of the customer's details, or only the patched ones. Raise `Invalid` under the same conditions as
    `register`, or a `customer-erased` `Conflict`."""
    customer = await _lock(tx, customer_id, if_match)
    if customer.erased_at:
        raise errors.Conflict("customer-erased")
    content = content_after(change, customer, CustomerContent)
    if content.name != customer.name:
        check_name(actor, content.name)
    restores = isinstance(change, CustomerPatch) and change.active is True
    content = _normalise(content, stored_phone=customer.phone, now=now)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer_id])
    return await repository.change(tx, customer_id, content, removed_at=None if restores else customer.removed_at)


async def remove(tx: Transaction, actor: Actor, *, customer_id: UUID, if_match: str | None, now: datetime) -> None:
    """Remove a customer. Raise a `customer-has-appointments` `Conflict` if they have future live appointments at any
    clinic.

    A booking reads the customer `for key share`, so a concurrent booking either commits first and prevents the removal,
    or finds the customer removed.
    """
    customer = await _lock(tx, customer_id, if_match)
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer_id])
    if not customer.active:
        return
    if appointments := await repository.count_upcoming_appointments(tx, customer_id, now=now):
        raise errors.Conflict("customer-has-appointments", count=appointments)
    await repository.remove(tx, customer_id, now=now)


async def _lock(tx: Transaction, customer_id: UUID, if_match: str | None) -> Customer:
    customer = await repository.lock(tx, customer_id)
    if customer is None:
        raise errors.NotFound
    check(if_match, customer.version)
    return customer


def _normalise(content: CustomerContent, *, stored_phone: str | None, now: datetime) -> CustomerContent:
    """Return the content with its phone number in E.164 format. Leave a stored number unchanged."""
    faults: list[errors.Fault] = []
    phone = content.phone
    if phone and phone != stored_phone:
        phone = phones.to_e164(phone, time_zone=content.time_zone, locale=content.locale)
        if phone is None:
            faults.append(errors.Fault("#/phone", phones.INVALID_PHONE_NUMBER))
    if content.birth_date and content.birth_date > clock.local_date(now, content.time_zone or EARLIEST_ZONE):
        faults.append(errors.Fault("#/birthDate", "must not be in the future"))
    if faults:
        raise errors.Invalid(*faults)
    return msgspec.structs.replace(content, phone=phone)


async def get_patient(db: Statements, clinic_id: int, customer_id: UUID) -> Patient:
    """Return a patient. Raise `NotFound` even for a customer who exists but has never booked at the clinic."""
    if patient := await repository.find_patient(db, clinic_id, customer_id):
        return patient
    raise errors.NotFound


async def list_patients(
    db: Statements,
    clinic_id: int,
    *,
    doctor_id: UUID | None,
    terms: SearchTerms | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Patient]:
    """Return a clinic's or a doctor's patients, ordered by date of registration, plus one beyond `limit` if there is a
    next page."""
    return await repository.list_patients(
        db, clinic_id, doctor_id=doctor_id, terms=terms, updated_since=None, after=after and (after,), limit=limit
    )


async def find_patient_id(db: Statements, clinic_id: int, detail: str) -> UUID | None:
    """Return the id of the clinic's patient with exactly this record number or email address, or None."""
    return await repository.find_patient_id(db, clinic_id, detail)


async def load_patient_names(db: Statements, clinic_id: int, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of a clinic's patients, by id."""
    return await repository.load_patient_names(db, clinic_id, customer_ids)


async def change_patient(
    tx: Transaction, actor: Actor, *, clinic_id: int, customer_id: UUID, patch: PatientPatch, if_match: str | None
) -> Patient:
    """Change the clinic's notes about a patient. Raise a `Conflict`: `record-number-taken` or `customer-erased`."""
    await repository.lock_patient(tx, clinic_id, customer_id)
    patient = await get_patient(tx, clinic_id, customer_id)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=patient.version)
    content = merge(patient, patch)
    try:
        await repository.change_patient(
            tx, clinic_id, customer_id, record_number=content.record_number, notes=content.notes
        )
    except asyncpg.UniqueViolationError as error:
        raise errors.Conflict("record-number-taken") from error
    except asyncpg.ForeignKeyViolationError as error:  # an erased customer cannot have notes
        raise errors.Conflict("customer-erased") from error
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[customer_id])
    return await get_patient(tx, clinic_id, customer_id)
