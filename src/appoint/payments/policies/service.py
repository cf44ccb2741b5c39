"""Payment policies."""

from uuid import UUID

from ...database.pool import Statements
from . import repository
from .model import PaymentPolicy, resolve_policy


async def get_policy(db: Statements, clinic_id: int, *, type_id: UUID | None = None) -> PaymentPolicy:
    """Return the policy that applies at a clinic, or to one of its types."""
    return resolve_policy(*await repository.find(db, clinic_id, type_id))
