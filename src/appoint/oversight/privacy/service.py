"""Export and erase customers' personal data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

import msgspec

from ... import audit
from ...booking.joins import service as joins
from ...booking.repository import erasure as appointments_erasure
from ...calls.guests import repository as guests
from ...calls.recordings import repository as recordings
from ...customers import addresses, visits
from ...customers import erasure as customers_erasure
from ...customers import repository as customers_repository
from ...customers import service as customers
from ...customers.copies import repository as copies
from ...customers.corrections import repository as corrections
from ...customers.corrections.model import CORRECTION_WAIT
from ...customers.guardians import repository as guardianships
from ...database.pool import Statements, Transaction
from ...events.facts import CustomerErased
from ...events.model import Event
from ...http.idempotency import repository as idempotency_repository
from ...identity.sessions import repository as sessions_repository
from ...identity.sign_in_codes import repository as sign_in_codes_repository
from ...kit import errors, ids, tracing
from ...kit.actors import Actor
from ...messaging.channels import repository as mailbox_repository
from ...messaging.notifications.model import Preferences
from ...messaging.notifications.repository import erasure as notifications_erasure
from ...messaging.notifications.repository import preferences
from ..emergency_access import repository as emergency_access
from .model import MAX_LIST_ENTRIES, ErasedCounts, Erasure, Export, ListName, RetainedRecord, for_customer
from .repository import call_exports, exports, retention, unconfirmed

T = TypeVar("T")
BATCH_SIZE: Final = 200
EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def export(db: Statements, *, customer_id: UUID, now: datetime) -> Export:
    """Export all stored data about the customer, but only the newest entries in long lists. Raise `NotFound`."""
    customer = await customers.get(db, customer_id)
    preferred = await preferences.find(db, customer_id)
    truncated: list[ListName] = []

    def newest(name: ListName, entries: list[T]) -> list[T]:
        if len(entries) > MAX_LIST_ENTRIES:
            truncated.append(name)
        return entries[:MAX_LIST_ENTRIES]

    limit = MAX_LIST_ENTRIES + 1
    appointments = newest("appointments", await exports.appointments(db, customer_id, limit=limit))
    subjects = [str(customer_id), *(str(each.id) for each in appointments if each.customer_id == customer_id)]
    return Export(
        exported_at=now,
        customer=customer,
        preferences=Preferences(email=preferred.email, sms=preferred.sms) if preferred else Preferences(),
        patients=await exports.patients(db, customer_id, clinic_ids=await exports.clinics_of(db, customer_id)),
        corrections=await corrections.list_everywhere(db, customer_id),
        guardianships=await guardianships.list_of_customer(db, customer_id),
        appointments=appointments,
        calls=newest("calls", await call_exports.calls(db, customer_id, limit=limit)),
        guests=newest("guests", await call_exports.guests(db, customer_id, limit=limit)),
        recording_consents=newest("recordingConsents", await call_exports.consents(db, customer_id, limit=limit)),
        recordings=newest("recordings", await call_exports.recordings(db, customer_id, limit=limit)),
        invoices=newest("invoices", await exports.invoices(db, customer_id, limit=limit)),
        payments=newest("payments", await exports.payments(db, customer_id, limit=limit)),
        notifications=newest("notifications", await exports.notifications(db, customer_id, limit=limit)),
        sessions=await exports.sessions(db, customer_id),
        audit=newest("audit", await exports.audit(db, subjects=subjects, limit=limit)),
        events=newest("events", await exports.events(db, customer_id, subjects=subjects, limit=limit)),
        cut=truncated,
    )


async def export_own(db: Statements, actor: Actor, *, customer_id: UUID, now: datetime) -> Export:
    """Export a signed-in customer's own data, and record it at every clinic that knows them. Raise `NotFound`, or an
    `address-corrected` `Conflict`."""
    await check_address(db, customer_id=customer_id, now=now)
    exported = for_customer(await export(db, customer_id=customer_id, now=now))
    for clinic_id in await exports.clinics_of(db, customer_id):
        await audit.record(db, actor, clinic_id=clinic_id, subjects=[customer_id])
    return exported


async def check_address(db: Statements, *, customer_id: UUID, now: datetime) -> None:
    """Raise an `address-corrected` `Conflict` if a clinic has corrected the customer's address in the last 14 days."""
    corrected_at = await corrections.newest_address_correction(db, customer_id)
    if corrected_at and corrected_at > now - CORRECTION_WAIT:
        raise errors.Conflict(
            "address-corrected", until=f"{(corrected_at + CORRECTION_WAIT).date() + timedelta(days=1)}"
        )


async def erase(tx: Transaction, actor: Actor, *, customer_id: UUID, now: datetime) -> Erasure:
    """Erase a customer; their appointments remain, without personal data. Erasing a customer again changes nothing.

    A customer who does this themselves erases their own data at once, but not what clinics have recorded about their
    visits: the clinics may have to keep that, and erase it when their retention period ends. An administrator erases
    everything. Raise `NotFound`, or a `Conflict`: `customer-has-appointments` while they have future live appointments
    at any clinic, `address-corrected` for customers whose address a clinic has just corrected, or `customer-elsewhere`
    if they are at home in another cell.

    A booking reads the customer `for key share`, and a move locks its appointment before it checks the customer. Either
    it commits before this and prevents the erasure, or it finds the customer erased. A concurrent note about the
    patient either fails or is erased too.
    """
    is_own = actor.customer_id is not None
    if is_own:
        await check_address(tx, customer_id=customer_id, now=now)
    clinic_ids = await exports.clinics_of(tx, customer_id) if is_own else []
    erased = await _erase(tx, customer_id=customer_id, retain=is_own, now=now)
    await audit.record(tx, actor, clinic_id=ids.PLATFORM, subjects=[customer_id], also_at=clinic_ids)
    return erased


async def erase_copy(tx: Transaction, actor: Actor, *, customer_id: UUID, now: datetime) -> None:
    """Erase a customer who has been erased in another cell, their home. Clinics keep what they have to, as when the
    customer erases their own data. Raise a `customer-has-appointments` `Conflict`."""
    clinic_ids = await exports.clinics_of(tx, customer_id)
    await _erase(tx, customer_id=customer_id, retain=True, may_be_copy=True, now=now)
    await audit.record(tx, actor, clinic_id=ids.PLATFORM, subjects=[customer_id], also_at=clinic_ids)


async def _erase(
    tx: Transaction, *, customer_id: UUID, retain: bool, now: datetime, may_be_copy: bool = False
) -> Erasure:
    lock = customers_repository.lock if may_be_copy else copies.lock_at_home
    try:
        customer = await lock(tx, customer_id)
    except copies.Copied:
        raise errors.Conflict("customer-elsewhere") from None
    if customer is None:
        raise errors.NotFound
    clinic_ids = await exports.clinics_of(tx, customer_id)
    if customer.erased_at:
        counts = ErasedCounts() if retain else await _erase_records(tx, customer_id, clinic_ids, ())
        return Erasure(customer_id, customer.erased_at, counts)
    await appointments_erasure.lock_appointments(tx, customer_id)
    if appointments := await visits.count_upcoming_appointments(tx, customer_id, now=now):
        raise errors.Conflict("customer-has-appointments", count=appointments)
    retained = await retention.retained_records(tx, customer_id, clinic_ids=clinic_ids, now=now) if retain else []
    records = await _erase_records(tx, customer_id, clinic_ids, [record.clinic_id for record in retained])
    counts = msgspec.structs.replace(
        records,
        notifications=await notifications_erasure.erase_notifications(tx, customer_id),
        messages=await mailbox_repository.erase_messages(tx, [customer_id]),
        preferences=await notifications_erasure.erase_preferences(tx, [customer_id]),
        sessions=await sessions_repository.end_all(tx, user_id=None, customer_id=customer_id),
        sign_in_codes=await sign_in_codes_repository.delete_of_customer(tx, customer_id),
        requests=await idempotency_repository.delete_keys_of_customer(tx, customer_id),
    )
    await recordings.erase(tx, customer_id, now=now)
    await guests.erase(tx, customer_id)
    await corrections.erase(tx, customer_id)
    await addresses.forget_changes(tx, customer_id)
    await guardianships.delete_of_customer(tx, customer_id)
    await joins.separate_everywhere(tx, customer_id, now=now)
    await customers_erasure.erase_customer(
        tx, customer_id, clinic_ids=clinic_ids, traceparent=tracing.traceparent(), now=now
    )
    return Erasure(customer_id, now, counts, retained)


async def list_retained(db: Statements, *, customer_id: UUID, now: datetime) -> list[RetainedRecord]:
    """Return the clinics' records that would remain if the customer erased themselves now."""
    clinic_ids = await exports.clinics_of(db, customer_id)
    return await retention.retained_records(db, customer_id, clinic_ids=clinic_ids, now=now)


async def _erase_records(
    tx: Transaction, customer_id: UUID, clinic_ids: Sequence[int], retaining: Sequence[int]
) -> ErasedCounts:
    """Erase what clinics have recorded about the customer, except at the `retaining` clinics."""
    if retaining:
        await customers_erasure.retain_patients(tx, customer_id, clinic_ids=retaining)
        await appointments_erasure.erase_keys(tx, customer_id)
    erasing = [clinic_id for clinic_id in clinic_ids if clinic_id not in retaining]
    await emergency_access.erase_reasons(tx, customer_id, clinic_ids=erasing)
    return ErasedCounts(
        patients=await customers_erasure.erase_patients(tx, customer_id, clinic_ids=erasing),
        appointments=await appointments_erasure.erase_appointments(tx, customer_id, retaining=retaining),
    )


async def erase_copies(tx: Transaction, events: Sequence[Event]) -> None:
    """Event subscriber: delete messages to doctors and staff from the development mailbox, because they may name an
    erased customer."""
    if clinic_ids := [
        event.clinic_id for event in events if isinstance(event.fact, CustomerErased) and event.clinic_id
    ]:
        await mailbox_repository.erase_others_messages(tx, clinic_ids=clinic_ids)


class ErasedNotes(NamedTuple):
    departed: list[UUID]
    """All patients in the batch, with or without notes."""
    patients: int
    """How many patients had notes."""
    appointments: int
    """How many of their appointments had notes or reasons."""


async def erase_departed_notes(
    tx: Transaction, actor: Actor, *, clinic_id: int, before: datetime, after: UUID
) -> ErasedNotes:
    """Erase a clinic's notes about the next patients without a visit since `before`: up to `BATCH_SIZE`, in id order,
    starting after `after`."""
    departed = await retention.departed_patients(tx, clinic_id=clinic_id, before=before, after=after, limit=BATCH_SIZE)
    patients = await customers_erasure.erase_patient_notes(tx, clinic_id=clinic_id, customer_ids=departed)
    appointments = await appointments_erasure.erase_appointment_notes(tx, clinic_id=clinic_id, customer_ids=departed)
    if patients or appointments:
        forgetting = msgspec.structs.replace(actor, operation="forgetPatients")
        await audit.record(tx, forgetting, clinic_id=clinic_id, subjects=[*patients, *appointments], reason="retention")
    return ErasedNotes(departed, len(patients), len(appointments))


async def erase_unretained(tx: Transaction, actor: Actor, *, customer_id: UUID, now: datetime) -> bool:
    """Erase a customer unless a clinic still retains them or they are signed in. Return whether they were erased."""
    customer = await customers_repository.lock(tx, customer_id)
    if customer is None or customer.erased_at:
        return False
    await appointments_erasure.lock_appointments(tx, customer_id)
    clinic_ids = await exports.clinics_of(tx, customer_id)
    if await retention.is_retained(tx, customer_id, clinic_ids=clinic_ids, now=now):
        return False
    await _erase(tx, customer_id=customer_id, retain=False, may_be_copy=True, now=now)
    erasing = msgspec.structs.replace(actor, operation="eraseCustomer")
    await audit.record(tx, erasing, clinic_id=ids.PLATFORM, subjects=[customer_id], reason="retention")
    return True


async def forget_unconfirmed(
    tx: Transaction, actor: Actor, *, before: datetime, after: UUID, now: datetime
) -> list[UUID]:
    """Delete the next people who registered before the given time and never booked: up to `BATCH_SIZE`, in id order
    after `after`. Return them."""
    customer_ids = await unconfirmed.lock_unconfirmed(tx, before=before, after=after, now=now, limit=BATCH_SIZE)
    if customer_ids:
        await appointments_erasure.delete_holds(tx, customer_ids)
        await sessions_repository.delete_of_customers(tx, customer_ids)
        await notifications_erasure.erase_preferences(tx, customer_ids)
        await mailbox_repository.erase_messages(tx, customer_ids)
        await emergency_access.delete_of_customers(tx, customer_ids)
        await customers_erasure.delete_customers(tx, customer_ids)
        forgetting = msgspec.structs.replace(actor, operation="forgetUnconfirmed")
        await audit.record(tx, forgetting, clinic_id=ids.PLATFORM, subjects=customer_ids, reason="never booked")
    return customer_ids


async def delete_notifications(db: Statements, *, clinic_id: int, before: datetime, now: datetime) -> int:
    """Delete expired notifications created before the given time. Return how many there were."""
    milliseconds = max(before - EPOCH, timedelta()) // timedelta(milliseconds=1)
    first_retained, total = ids.compose_id(clinic_id, milliseconds, 0), 0
    while deleted := await notifications_erasure.delete_expired(
        db, clinic_id=clinic_id, before=first_retained, now=now, limit=BATCH_SIZE
    ):
        total += deleted
    return total
