"""Invoices and payments in exports of a customer's personal data."""

from datetime import datetime
from uuid import UUID

import msgspec

from ...kit.money import Money
from ...payments.parties import Party
from ...payments.payments.model import Method, Status


class ExportedInvoice(msgspec.Struct, rename="camel"):
    """An invoice or credit note that a clinic has issued to the customer."""

    id: UUID
    clinic_id: int
    clinic: str
    kind: str
    number: str
    issued_at: datetime
    total: Money
    paid: Money
    buyer: Party
    """The customer's name and contact details, as they are on the invoice."""
    services: list[str]


class ExportedPayment(msgspec.Struct, rename="camel"):
    """A payment by the customer. Their credit at a clinic is a payment, too."""

    id: UUID
    clinic_id: int
    clinic: str
    method: Method
    status: Status
    amount: Money
    left: Money
    """The part that is neither spent nor refunded."""
    refunded: Money
    """The part that the clinic has refunded, or is refunding, to the customer or to their credit."""
    receipt_number: str | None
    created_at: datetime
