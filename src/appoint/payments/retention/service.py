"""Tell customers how long clinics keep their invoices."""

from uuid import UUID

from ...database.pool import Statements
from ..policies.model import DEFAULT_POLICY
from . import repository
from .repository import InvoiceRetention


async def list_retentions(db: Statements, *, customer_id: UUID) -> list[InvoiceRetention]:
    """Return how long clinics have to keep a customer's invoices and credit notes, ordered by clinic."""
    return await repository.list_retentions(
        db, customer_id=customer_id, default_years=DEFAULT_POLICY.retain_invoices_years
    )
