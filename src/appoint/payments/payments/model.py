"""Payments, allocations and refunds."""

from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...kit import errors
from ...kit.fields import Date
from ...kit.money import MAX_AMOUNT, Currency, Money
from ...kit.structs import PageQuery, RequestBody, Resource
from ..ledger.model import Account

Method = Annotated[
    Literal["card", "cash", "transfer", "terminal", "credit", "goodwill", "creditNote"], msgspec.Meta(examples=["cash"])
]
ManualMethod = Literal["cash", "transfer", "terminal", "goodwill"]
Status = Annotated[Literal["pending", "succeeded", "failed", "cancelled"], msgspec.Meta(examples=["succeeded"])]
RefundStatus = Annotated[Literal["pending", "succeeded", "failed"], msgspec.Meta(examples=["succeeded"])]
Destination = Literal["method", "credit"]
Reason = Annotated[str, msgspec.Meta(max_length=500)]

ASSETS: Final[dict[Method, Account]] = {
    "card": "gateway",
    "cash": "cash",
    "terminal": "bank",
    "transfer": "bank",
    "credit": "cash",
    "goodwill": "cash",
}
"""Where the money of a payment is, and where a refund comes from. Credit is paid out in cash."""
RECEIPTS: Final = frozenset({"card", "cash", "terminal", "transfer"})
"""The methods with a receipt."""


class PositiveMoney(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An `amount` of at least 1 in minor units (such as cents) of `currency`."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
    currency: Currency


class AllocationContent(RequestBody):
    """An invoice to pay with a payment."""

    invoice_id: UUID
    amount: PositiveMoney | None = None
    """By default, as much as the payment has left and the invoice needs."""


class PaymentContent(RequestBody):
    """A payment that staff record."""

    customer_id: UUID
    method: ManualMethod
    amount: PositiveMoney
    deposit: bool = False
    """Whether it is for an appointment that has not taken place yet."""
    booking_id: UUID | None = None
    reason: Reason | None = None
    allocations: Annotated[list[AllocationContent], msgspec.Meta(max_length=50)] = []
    """The invoices to pay, in this order."""


class RefundContent(RequestBody):
    """A refund of a payment's free cents."""

    to: Destination
    """`method`: back the way the customer paid; `credit`: to the customer's credit."""
    amount: PositiveMoney | None = None
    """By default, everything that is left of the payment."""
    reason: Reason | None = None


class AppliedRule(NamedTuple):
    """The cancellation rule that decided a refund, and the appointment that it was applied to."""

    appointment_id: UUID
    notice_minutes: int | None
    keep_percent: int | None


class Allocation(msgspec.Struct, kw_only=True, rename="camel"):
    """Part of a payment that pays an invoice or is refunded."""

    id: UUID
    invoice_id: UUID | None
    refund_id: UUID | None
    amount: int
    """In minor units of the payment's currency."""
    created_at: datetime
    undone_at: datetime | None


class Payment(Resource):
    """A payment, and what it pays."""

    id: UUID
    clinic_id: int
    customer_id: UUID
    method: Method
    status: Status
    amount: Money
    free: Money
    """The part that can still be allocated or refunded."""
    deposit: bool
    booking_id: UUID | None
    invoice_id: UUID | None
    """What a pending payment is for, if it is for one invoice."""
    refund_id: UUID | None
    """The refund that became this credit."""
    credit_note_id: UUID | None
    reason: str | None
    receipt_number: str | None
    succeeded_at: datetime | None
    expires_at: datetime | None
    """When a pending payment expires."""
    allocations: list[Allocation]

    @property
    def liability(self) -> Account:
        """The account that owes the customer what is left of the payment."""
        if self.method in ("credit", "goodwill"):
            return "credit"
        return "deposits" if self.deposit else "receivable"


class Refund(Resource):
    """Cents that left a payment."""

    id: UUID
    clinic_id: int
    payment_id: UUID
    amount: Money
    destination: Literal["method", "credit", "dispute"]
    status: RefundStatus
    reason: str | None


class Credit(msgspec.Struct, kw_only=True, rename="camel"):
    """What a clinic owes a customer."""

    amounts: list[Money]
    """One amount for each currency."""
    payments: list[Payment]
    """The payments that make it up, oldest first. Allocate them to invoices to spend it."""


class OwnCredit(NamedTuple):
    """What one clinic owes a customer, in one currency."""

    clinic: str
    amount: Money


class PaymentFilter(PageQuery):
    """Newest first."""

    EXAMPLE = {"status": "succeeded"}

    customer_id: UUID | None = None
    """The payer."""
    status: Status | None = None
    """The payment's status."""
    method: Method | None = None
    """How the customer paid."""
    from_date: Annotated[Date, msgspec.Meta(description="first day of payment")] | None = msgspec.field(
        default=None, name="from"
    )
    until_date: Annotated[Date, msgspec.Meta(description="last day of payment")] | None = msgspec.field(
        default=None, name="to"
    )

    def __post_init__(self) -> None:
        if self.from_date and self.until_date and self.until_date < self.from_date:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))
