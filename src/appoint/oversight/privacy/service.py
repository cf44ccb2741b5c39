"""Giving a person what is held about them, and erasing it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from ... import audit
from ...customers import repository as customers_repository
from ...customers import service as customers
from ...database.pool import Row, Statements, Transaction, to
from ...events.facts import CustomerErased
from ...events.model import Event
from ...kit import errors, ids, tracing
from ...kit.actors import Actor
from ...kit.money import Money
from ...messaging.notifications.model import Preferences
from ...messaging.notifications.repository import preferences
from . import repository
from .model import (
    MOST,
    ErasedCounts,
    Erasure,
    Export,
    ExportedAppointment,
    ExportedEntry,
    ExportedEvent,
    ExportedNotification,
    ExportedPatient,
    ExportedSession,
    ListName,
)

T = TypeVar("T")
BATCH: Final = 200
EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


async def export(db: Statements, *, customer_id: UUID, now: datetime) -> Export:
    """Everything that is held about the customer, of long lists the newest part. Raises `NotFound`."""
    customer = await customers.get(db, customer_id)
    wants = await preferences.find(db, customer_id)
    theirs = await repository.appointments(db, customer_id, most=MOST + 1)
    told = await repository.notifications(db, customer_id, most=MOST + 1)
    subjects = [str(customer_id), *(str(row.id) for row in theirs[:MOST] if row.customer_id == customer_id)]
    looks = await repository.audit(db, subjects=subjects, most=MOST + 1)
    facts = await repository.events(db, customer_id, subjects=subjects, most=MOST + 1)
    lists: dict[ListName, Sequence[Row]] = {
        "appointments": theirs,
        "notifications": told,
        "audit": looks,
        "events": facts,
    }
    return Export(
        exported_at=now,
        customer=customer,
        preferences=Preferences(email=wants.email, sms=wants.sms) if wants else Preferences(),
        patients=_all(
            ExportedPatient,
            await repository.patients(db, customer_id, clinic_ids=await repository.clinics_of(db, customer_id)),
        ),
        appointments=[_appointment(row) for row in theirs[:MOST]],
        notifications=_all(ExportedNotification, told),
        sessions=_all(ExportedSession, await repository.sessions(db, customer_id)),
        audit=_all(ExportedEntry, looks),
        events=_all(ExportedEvent, facts),
        cut=[name for name, rows in lists.items() if len(rows) > MOST],
    )


def _all(type: type[T], rows: Sequence[Row]) -> list[T]:
    return [to(type, row) for row in rows[:MOST]]


def _appointment(row: Row) -> ExportedAppointment:
    price = None if row.price_amount is None else Money(row.price_amount, row.price_currency)
    own: dict[str, Any] = {name: row[name] for name in ExportedAppointment.__struct_fields__ if name != "price"}
    return ExportedAppointment(**own, price=price)


async def erase(tx: Transaction, actor: Actor, *, customer_id: UUID, now: datetime) -> Erasure:
    """Erase a customer; their appointments stay without them. Repeating it changes nothing. Raises `NotFound`, and
    `Conflict` `customer-has-appointments` while they have future live appointments at any clinic.

    A booking reads the customer `for key share`, and a move locks its appointment before it checks the customer, so
    either commits before this and stops it, or finds the customer erased. A concurrent note about the patient fails or
    is erased too.
    """
    erasure = await _erase(tx, customer_id=customer_id, now=now)
    await audit.record(tx, actor, clinic_id=ids.PLATFORM, subjects=[customer_id])
    return erasure


async def _erase(tx: Transaction, *, customer_id: UUID, now: datetime) -> Erasure:
    customer = await customers_repository.lock(tx, customer_id)
    if customer is None:
        raise errors.NotFound
    if customer.erased_at:
        return Erasure(customer_id, customer.erased_at, ErasedCounts())
    await repository.lock_traces(tx, customer_id)
    if appointments := await customers_repository.count_upcoming_appointments(tx, customer_id, now=now):
        raise errors.Conflict("customer-has-appointments", count=appointments)
    clinic_ids = await repository.clinics_of(tx, customer_id)
    counts = ErasedCounts(
        patients=await repository.erase_patients(tx, customer_id),
        appointments=await repository.erase_appointments(tx, customer_id),
        notifications=await repository.erase_notifications(tx, customer_id),
        messages=await repository.erase_messages(tx, customer_id),
        preferences=await repository.erase_preferences(tx, customer_id),
        sessions=await repository.erase_sessions(tx, customer_id),
        sign_in_codes=await repository.erase_sign_in_codes(tx, customer_id),
        requests=await repository.erase_requests(tx, customer_id),
    )
    await repository.erase_customer(tx, customer_id, clinic_ids=clinic_ids, traceparent=tracing.traceparent(), now=now)
    return Erasure(customer_id, now, counts)


async def erase_copies(tx: Transaction, events: Sequence[Event]) -> None:
    """Subscribes to events: what others were told by the mailbox of development may name somebody who was erased."""
    if clinic_ids := [
        event.clinic_id for event in events if isinstance(event.fact, CustomerErased) and event.clinic_id
    ]:
        await repository.erase_others_messages(tx, clinic_ids=clinic_ids)


async def forget_patients(
    tx: Transaction, actor: Actor, *, clinic_id: int, before: datetime, after: UUID
) -> tuple[list[UUID], int, int]:
    """Erase a clinic's notes about patients without a visit since `before`, in id order, `BATCH` at a time.

    Return the patients' ids, and how many patients and appointments had notes.
    """
    gone = await repository.departed(tx, clinic_id=clinic_id, before=before, after=after, most=BATCH)
    patients = await repository.forget_patients(tx, clinic_id=clinic_id, customer_ids=gone)
    appointments = await repository.forget_appointments(tx, clinic_id=clinic_id, customer_ids=gone)
    if patients or appointments:
        forgetting = msgspec.structs.replace(actor, operation="forgetPatients")
        await audit.record(tx, forgetting, clinic_id=clinic_id, subjects=[*patients, *appointments], reason="retention")
    return gone, len(patients), len(appointments)


async def erase_departed(tx: Transaction, actor: Actor, *, customer_id: UUID, now: datetime) -> bool:
    """Erase a customer whom no clinic keeps. Return False for one whom a clinic still keeps, or who is signed in."""
    customer = await customers_repository.lock(tx, customer_id)
    if customer is None or customer.erased_at:
        return False
    await repository.lock_traces(tx, customer_id)
    if await repository.is_kept(tx, customer_id, clinic_ids=await repository.clinics_of(tx, customer_id), now=now):
        return False
    await _erase(tx, customer_id=customer_id, now=now)
    erasing = msgspec.structs.replace(actor, operation="eraseCustomer")
    await audit.record(tx, erasing, clinic_id=ids.PLATFORM, subjects=[customer_id], reason="retention")
    return True


async def forget_notifications(db: Statements, *, clinic_id: int, before: datetime, now: datetime) -> int:
    """Forget what was planned to be told before then and is over; returns how much."""
    forgotten, first = 0, ids.compose_id(clinic_id, max(before - EPOCH, timedelta()) // timedelta(milliseconds=1), 0)
    while found := await repository.forget_notifications(db, clinic_id=clinic_id, before=first, now=now, most=BATCH):
        forgotten += found
    return forgotten
