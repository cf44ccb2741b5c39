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
from ..database.pool import Statements, Transaction, violates
from ..http.access import check_proof
from ..http.etags import check
from ..kit import errors, phones
from ..kit.actors import Actor, LinkedCustomers
from ..kit.ids import PLATFORM
from ..kit.structs import content_after, merge
from . import addresses, confirmed_addresses, repository, visits
from .copies import repository as copies
from .corrections import repository as correction_rows
from .corrections import service as corrections
from .details import check_name, lost_addresses, new_addresses, normalise
from .model import (
    NO_TERMS,
    Customer,
    CustomerContent,
    CustomerPatch,
    FoundCustomer,
    Patient,
    PatientContent,
    PatientPatch,
    search_terms,
)

INDEXABLE: Final = re.compile(r"\w{3}")
"""A word that the trigram index can find: one with at least three letters."""
MAX_RESULTS: Final = 20


async def get(db: Statements, customer_id: UUID) -> Customer:
    """Return a customer, or raise `NotFound`."""
    if customer := await repository.find(db, customer_id):
        return customer
    raise errors.NotFound


async def find_linked_customers(
    db: Statements, customer_id: UUID, linked: LinkedCustomers | None
) -> tuple[Customer, list[repository.Contact]]:
    """Return a signed-in patient and the other customers covered by their sign-in code who have not changed since it
    was sent, followed by those who have confirmed the same address since then, for example by booking.

    Raise `NotFound` if the patient is unknown.
    """
    own = await get(db, customer_id)
    contacts = await repository.list_unchanged(db, linked.ids, since=linked.since) if linked else []
    if all(contact.id != own.id for contact in contacts):
        return own, []
    assert linked, "it covers the patient"
    newer = await repository.list_confirmed_since(db, own.id, since=linked.since)
    by_id = {each.id: each for each in (*contacts, *newer)}
    return own, [each for each in by_id.values() if each.id != own.id]


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
    customer = await repository.add(tx, normalise(content, stored_phone=None, now=now))
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


def content_after_own_change(customer: Customer, patch: CustomerPatch, *, now: datetime) -> CustomerContent:
    """Return a customer's details as a patch would change them. Raise `Invalid` under the same conditions as
    `register`."""
    return normalise(content_after(patch, customer, CustomerContent), stored_phone=customer.phone, now=now)


async def change(
    tx: Transaction,
    actor: Actor,
    *,
    customer_id: UUID,
    change: CustomerContent | CustomerPatch,
    if_match: str | None,
    now: datetime,
    address_proven: bool = False,
) -> Customer:
    """Replace all of the customer's details, or only the patched ones. Raise `Invalid` under the same conditions as
    `register`, or a `Conflict`: `customer-erased`, or `address-needs-code` if customers set a new address of their own
    without having proven that messages to it reach them.

    Raise `proof-required` if customers delete an address of their own without having entered a code recently. The old
    address receives a message, even if an administrator made the change.
    """
    customer = await _lock(tx, customer_id, if_match)
    if customer.erased_at:
        raise errors.Conflict("customer-erased")
    content = content_after(change, customer, CustomerContent)
    if content.name != customer.name:
        check_name(actor, content.name)
    restores = isinstance(change, CustomerPatch) and change.active is True
    content = normalise(content, stored_phone=customer.phone, now=now)
    if actor.customer_id == customer_id and not address_proven and new_addresses(customer, content):
        raise errors.Conflict("address-needs-code")
    if lost := lost_addresses(customer, content):
        if actor.customer_id == customer_id and not address_proven:
            check_proof(actor, now=now)
        await addresses.record_changes(tx, customer_id, lost, now=now)
    await correction_rows.clear_superseded(tx, customer_id, corrections.changed_details(customer, content))
    await audit.record(tx, actor, clinic_id=PLATFORM, subjects=[customer_id])
    return await repository.change(tx, customer_id, content, removed_at=None if restores else customer.removed_at)


async def change_own(
    tx: Transaction,
    actor: Actor,
    *,
    customer_id: UUID,
    patch: CustomerPatch,
    region: str | None,
    if_match: str | None,
    now: datetime,
) -> None:
    """Change a patient's own details as `change` does, together with the region that they have chosen."""
    await change(tx, actor, customer_id=customer_id, change=patch, if_match=if_match, now=now)
    await repository.change_region(tx, customer_id, region)


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
    if appointments := await visits.count_upcoming_appointments(tx, customer_id, now=now):
        raise errors.Conflict("customer-has-appointments", count=appointments)
    await repository.remove(tx, customer_id, now=now)


async def _lock(tx: Transaction, customer_id: UUID, if_match: str | None) -> Customer:
    try:
        customer = await copies.lock_at_home(tx, customer_id)
    except copies.Copied:
        raise errors.Conflict("customer-elsewhere") from None
    if customer is None:
        raise errors.NotFound
    check(if_match, customer.version)
    return customer


async def get_patient(db: Statements, clinic_id: int, customer_id: UUID) -> Patient:
    """Return a patient or, if the record is joined with others, their main record. Raise `NotFound` even for a customer
    who exists but has never booked at the clinic."""
    if patient := await repository.find_patient(db, clinic_id, customer_id):
        return patient
    raise errors.NotFound


async def find_patient_id(db: Statements, clinic_id: int, detail: str) -> UUID | None:
    """Return the id of the clinic's patient with exactly this record number or email address, or None."""
    return await repository.find_patient_id(db, clinic_id, detail)


async def load_patient_names(db: Statements, clinic_id: int, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of a clinic's patients, by id."""
    return await repository.load_patient_names(db, clinic_id, customer_ids)


async def add_patient(
    tx: Transaction, actor: Actor, *, clinic_id: int, content: PatientContent, now: datetime
) -> Patient:
    """Register a customer as a clinic's patient. Raise `NotFound` for an unknown clinic, `Invalid` under the same
    conditions as `register`, or a `record-number-taken` `Conflict`."""
    clinic = await clinics.get(tx, clinic_id)
    details = normalise(
        msgspec.convert(content, CustomerContent, from_attributes=True), stored_phone=None, now=now, clinic=clinic
    )
    customer_id = await repository.add_patient(tx, details)
    if content.record_number or content.notes:
        try:
            await repository.change_patient(
                tx, clinic_id, customer_id, record_number=content.record_number, notes=content.notes
            )
        except asyncpg.UniqueViolationError as error:
            if not violates(error, "patient_record_number"):
                raise
            raise errors.Conflict("record-number-taken") from error
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[customer_id])
    return await get_patient(tx, clinic_id, customer_id)


async def change_patient(
    tx: Transaction,
    actor: Actor,
    *,
    clinic_id: int,
    customer_id: UUID,
    patch: PatientPatch,
    if_match: str | None,
    now: datetime,
) -> Patient:
    """Correct a patient's details, and change the clinic's notes about them.

    Raise `Invalid` under the same conditions as `register`, or a `Conflict`: `record-number-taken` or
    `customer-erased`.
    """
    await repository.lock_patient(tx, clinic_id, customer_id)
    patient = await get_patient(tx, clinic_id, customer_id)
    await clinics.check_version(tx, clinic_id, if_match=if_match, version=patient.version)
    merged = merge(patient, patch)
    content = normalise(
        msgspec.convert(merged, CustomerContent, from_attributes=True),
        stored_phone=patient.phone,
        now=now,
        clinic=await clinics.get(tx, clinic_id),
    )
    try:
        if corrections.changed_details(patient, content):
            await corrections.correct(tx, patient=patient, content=content)
        await repository.change_patient(
            tx, clinic_id, patient.customer_id, record_number=merged.record_number, notes=merged.notes
        )
    except asyncpg.UniqueViolationError as error:
        if not violates(error, "patient_record_number"):
            raise
        raise errors.Conflict("record-number-taken") from error
    except asyncpg.ForeignKeyViolationError as error:  # an erased customer cannot have details or notes
        raise errors.Conflict("customer-erased") from error
    changed = await get_patient(tx, clinic_id, customer_id)
    await corrections.record(tx, actor, before=patient, after=changed, content=content)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[patient.customer_id])
    return changed
