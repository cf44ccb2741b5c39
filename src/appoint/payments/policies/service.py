"""Payment policies."""

from uuid import UUID

from ... import audit
from ...clinics.appointment_types import service as appointment_types
from ...clinics.clinics import service as clinics
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ...kit.i18n import translatable
from ..tax import Tax, check_tax
from . import repository
from .model import PaymentPolicy, PaymentPolicyContent, resolve_policy


async def get_policy(db: Statements, clinic_id: int, *, type_id: UUID | None = None) -> PaymentPolicy:
    """Return the policy that applies at a clinic, or to one of its types."""
    return resolve_policy(*await repository.find(db, clinic_id, type_id))


async def get_stated(db: Statements, clinic_id: int, type_id: UUID | None = None) -> PaymentPolicyContent:
    """Return what the policy of a clinic or type states itself. Raise `NotFound` for an unknown clinic or type."""
    await _check_exists(db, clinic_id, type_id)
    return await repository.find_own(db, clinic_id, type_id)


async def has_deposits(db: Statements, *, clinic_id: int) -> bool:
    """Return whether patients pay a deposit for any of a clinic's appointment types."""
    return await repository.has_deposits(db, clinic_id)


async def count_clinics_with_deposits(db: Statements) -> int:
    """Return how many clinics ask for a deposit. Without a payment provider, patients can't book there online."""
    return await repository.count_clinics_with_deposits(db)


async def replace(
    tx: Transaction, actor: Actor, *, clinic_id: int, type_id: UUID | None, content: PaymentPolicyContent
) -> PaymentPolicyContent:
    """Replace the policy of a clinic or type. Raise `NotFound`, or `Invalid` if its parts contradict each other."""
    await _check_exists(tx, clinic_id, type_id)
    if content.deposit_amount is not None and content.deposit_percent is not None:
        raise errors.Invalid(
            errors.Fault("#/depositPercent", translatable("must be left out if there is a deposit amount"))
        )
    if len({rule.before_minutes for rule in content.cancellation}) < len(content.cancellation):
        raise errors.Invalid(errors.Fault("#/cancellation", translatable("contains the same notice twice")))
    if content.tax_category:
        check_tax(Tax(content.tax_category, content.tax_rate or 0, content.tax_reason))
    await repository.save(tx, clinic_id, type_id, content)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[type_id or clinic_id])
    return await repository.find_own(tx, clinic_id, type_id)


async def _check_exists(db: Statements, clinic_id: int, type_id: UUID | None) -> None:
    await clinics.get(db, clinic_id)
    if type_id:
        await appointment_types.get(db, type_id)
