"""Join and separate a clinic's records of one person.

Joining moves nothing: each record keeps its id, details, notes and appointments, and names the main record that
represents the person. So everything that refers to either id keeps working, and records can be separated again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from ... import audit
from ...clinics.clinics import service as clinics
from ...customers import repository as customers
from ...customers.model import Patient
from ...database.pool import Statements, Transaction
from ...kit import errors, phones
from ...kit.actors import Actor
from . import repository
from .model import JoinedRecord, PatientSketch, SimilarPatient

MAX_SIMILAR: Final = 5
MAX_JOINED: Final = 20
"""The maximum number of records for one person. More would be a mistake."""


async def join(
    tx: Transaction, actor: Actor, *, clinic_id: int, customer_id: UUID, other_id: UUID, now: datetime
) -> Patient:
    """Join another record, and all that are already joined with it, with a patient's record. Return the main record.

    Raise `NotFound` unless both are the clinic's patients; `Invalid` if they are the same record; or a `Conflict`:
    `joined-appointments-overlap` if the records have upcoming appointments at the same time, `too-many-joined`, or
    `customer-erased`.
    """
    records = await repository.lock(tx, clinic_id=clinic_id, customer_ids=[customer_id, other_id])
    main_ids = {record.customer_id: record.main_id for record in records}
    if not main_ids.keys() >= {customer_id, other_id}:
        raise errors.NotFound
    if customer_id == other_id:
        raise errors.Invalid(errors.Fault("#/customerId", "must be a different record"))
    if len(records) > MAX_JOINED:
        raise errors.Conflict("too-many-joined", n=MAX_JOINED)
    customer_ids = list(main_ids)
    await _check_present(tx, clinic_id, customer_ids)
    past = await repository.list_past_overlaps(tx, clinic_id=clinic_id, customer_ids=customer_ids, now=now)
    await repository.allow_overlaps(tx, clinic_id=clinic_id, appointment_ids=past)
    try:
        await repository.change_main(
            tx,
            clinic_id=clinic_id,
            customer_ids=customer_ids,
            main_id=main_ids[customer_id] or customer_id,
            event="patient.joined",
            now=now,
        )
    except asyncpg.ExclusionViolationError as error:
        raise errors.Conflict("joined-appointments-overlap") from error
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[customer_id, other_id])
    return await _get(tx, clinic_id, customer_id)


async def separate(tx: Transaction, actor: Actor, *, clinic_id: int, customer_id: UUID, now: datetime) -> Patient:
    """Separate a record from those that it is joined with. The others stay joined. Return the separated record.

    Raise `NotFound` for a customer who is not the clinic's patient, or a `not-joined` `Conflict`.
    """
    others = await _leave(tx, clinic_id=clinic_id, customer_id=customer_id, now=now)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[customer_id, *others])
    return await _get(tx, clinic_id, customer_id)


async def mark_different(tx: Transaction, actor: Actor, *, clinic_id: int, customer_id: UUID, other_id: UUID) -> None:
    """Record that two similar records belong to different people, such as twins, so that they are no longer suggested.
    Raise `NotFound` unless both are the clinic's patients, or `Invalid` if they are the same record."""
    if len(await customers.load_patient_names(tx, clinic_id, [customer_id, other_id])) < len({customer_id, other_id}):
        raise errors.NotFound
    if customer_id == other_id:
        raise errors.Invalid(errors.Fault("#/customerId", "must be a different record"))
    await repository.add_difference(tx, clinic_id=clinic_id, customer_id=customer_id, other_id=other_id)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[customer_id, other_id])


async def separate_everywhere(tx: Transaction, customer_id: UUID, *, now: datetime) -> None:
    """Separate the customer's records at all clinics, because the customer is being erased."""
    for clinic_id in await repository.list_clinics(tx, customer_id):
        await _leave(tx, clinic_id=clinic_id, customer_id=customer_id, now=now)


async def _leave(tx: Transaction, *, clinic_id: int, customer_id: UUID, now: datetime) -> list[UUID]:
    records = await repository.lock(tx, clinic_id=clinic_id, customer_ids=[customer_id])
    main_ids = {record.customer_id: record.main_id for record in records}
    if customer_id not in main_ids:
        raise errors.NotFound
    main_id = main_ids.pop(customer_id)
    if main_id is None:
        raise errors.Conflict("not-joined")
    others = list(main_ids)
    if len(others) == 1:
        separated, remaining, new_main_id = [customer_id, *others], [], None
    else:
        separated, remaining = [customer_id], others
        new_main_id = min(others) if main_id == customer_id else main_id
    await repository.change_main(
        tx, clinic_id=clinic_id, customer_ids=separated, main_id=None, event="patient.separated", now=now
    )
    if remaining and new_main_id != main_id:
        await repository.change_main(
            tx, clinic_id=clinic_id, customer_ids=remaining, main_id=new_main_id, event="patient.joined", now=now
        )
    return others


async def list_joined(db: Statements, *, clinic_id: int, patient: Patient) -> list[JoinedRecord]:
    """Return the records joined with a main record, oldest first."""
    if not patient.joined_ids:
        return []
    return await repository.list_joined(db, clinic_id=clinic_id, customer_id=patient.customer_id)


async def list_similar(db: Statements, *, clinic_id: int, patient: Patient) -> list[SimilarPatient]:
    """Return the clinic's other patients who are probably the same person, most likely first."""
    sketch = PatientSketch(patient.name, patient.email, patient.phone, patient.birth_date)
    different = await repository.list_different(db, clinic_id=clinic_id, customer_id=patient.customer_id)
    return await repository.list_similar(
        db,
        clinic_id=clinic_id,
        sketch=sketch,
        excluding=[patient.customer_id, *patient.joined_ids, *different],
        limit=MAX_SIMILAR,
    )


async def find_similar(db: Statements, *, clinic_id: int, sketch: PatientSketch) -> list[SimilarPatient]:
    """Return the clinic's patients who are probably the person that staff are about to register, most likely first.
    Raise `NotFound` for an unknown clinic."""
    clinic = await clinics.get(db, clinic_id)
    phone = sketch.phone and phones.to_e164(sketch.phone, time_zone=clinic.time_zone, locale=clinic.locale)
    return await repository.list_similar(
        db,
        clinic_id=clinic_id,
        sketch=PatientSketch(sketch.name, sketch.email, phone, sketch.birth_date),
        excluding=[],
        limit=MAX_SIMILAR,
    )


async def _check_present(tx: Transaction, clinic_id: int, customer_ids: Sequence[UUID]) -> None:
    if len(await customers.load_patient_names(tx, clinic_id, customer_ids)) < len(customer_ids):
        raise errors.NotFound
    if await customers.has_erased(tx, customer_ids):
        raise errors.Conflict("customer-erased")


async def _get(tx: Transaction, clinic_id: int, customer_id: UUID) -> Patient:
    patient = await customers.find_patient(tx, clinic_id, customer_id)
    assert patient, "it was locked"
    return patient
