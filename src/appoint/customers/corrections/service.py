"""Correct patients' details for a clinic."""

from uuid import UUID

from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ..model import CustomerContent, Patient
from . import repository
from .model import MEMBERS, ClinicsKnowledge, Correction, Detail, text_of

MAX_LISTED = 100
"""How many corrections are listed."""


async def correct(tx: Transaction, *, patient: Patient, content: CustomerContent) -> None:
    """Change a patient's details. The change applies everywhere only if the details don't belong to the customer, that
    is, if the customer has no confirmed address and no other clinic knows them. Otherwise, it applies only at this
    clinic."""
    details = repository.Details(*(getattr(content, member) for member in MEMBERS.values()))
    await repository.correct(tx, patient.customer_id, details)


async def record(
    tx: Transaction, actor: Actor, *, before: Patient, after: Patient, content: CustomerContent
) -> list[Detail]:
    """Record what a correction has changed, and inform the patient. Return the changed details.

    Raise `Invalid` if staff wanted to delete a detail that only the customer can delete.
    """
    faults = [
        errors.Fault(f"#/{detail}", translatable("is the patient’s own, so only they can delete it"))
        for detail, member in MEMBERS.items()
        if getattr(content, member) is None and getattr(after, member) is not None
    ]
    if faults:
        raise errors.Invalid(*faults)
    changed = changed_details(before, after)
    if changed:
        await repository.add(
            tx,
            clinic_id=after.clinic_id,
            customer_id=after.customer_id,
            actor=actor.key,
            corrections=[
                (detail, text_of(getattr(before, MEMBERS[detail])), text_of(getattr(after, MEMBERS[detail])))
                for detail in changed
            ],
        )
    return changed


def changed_details(before: object, after: object) -> list[Detail]:
    """Return the details that differ between two structs."""
    return [detail for detail, member in MEMBERS.items() if getattr(before, member) != getattr(after, member)]


async def list_newest(db: Statements, *, clinic_id: int, customer_id: UUID) -> list[Correction]:
    """Return the latest corrections to a patient's details, newest first."""
    return await repository.list_newest(db, clinic_id=clinic_id, customer_id=customer_id, limit=MAX_LISTED)


async def list_clinics(db: Statements, customer_id: UUID) -> list[ClinicsKnowledge]:
    """Return what each clinic knows about the customer that differs from their own details."""
    return await repository.list_clinics(db, customer_id)
