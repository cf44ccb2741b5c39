"""The posting rules: the accounts that each change in money debits and credits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...kit import errors
from ...kit.fields import Date
from ...kit.money import Money
from ...kit.structs import PageQuery, RequestBody

Account = Literal[
    "receivable",
    "cash",
    "bank",
    "gateway",
    "deposits",
    "credit",
    "revenue",
    "discounts",
    "tax",
    "fees",
    "costs",
    "disputes",
    "rounding",
]
Stage = Literal["final", "pending", "posted", "voided"]


class Rule(NamedTuple):
    """The accounts of one kind of transfer."""

    debit: Account
    credit: Account


RULES: Final[Mapping[str, Rule]] = {
    # an invoice is issued
    "invoice-net": Rule("receivable", "revenue"),
    "invoice-fee": Rule("receivable", "fees"),
    "invoice-tax": Rule("receivable", "tax"),
    # a credit note is issued
    "correction-net": Rule("revenue", "receivable"),
    "correction-fee": Rule("fees", "receivable"),
    "correction-tax": Rule("tax", "receivable"),
    # a payment succeeds: one for invoices, a deposit, or goodwill, which is credit from the start
    "paid-cash": Rule("cash", "receivable"),
    "paid-bank": Rule("bank", "receivable"),
    "paid-gateway": Rule("gateway", "receivable"),
    "deposit-cash": Rule("cash", "deposits"),
    "deposit-bank": Rule("bank", "deposits"),
    "deposit-gateway": Rule("gateway", "deposits"),
    "goodwill": Rule("discounts", "credit"),
    # a payment was recorded by mistake
    "unpaid-cash": Rule("receivable", "cash"),
    "unpaid-bank": Rule("receivable", "bank"),
    "undeposit-cash": Rule("deposits", "cash"),
    "undeposit-bank": Rule("deposits", "bank"),
    "goodwill-withdrawn": Rule("credit", "discounts"),
    # a deposit or credit pays an invoice, or the allocation is undone
    "deposit-applied": Rule("deposits", "receivable"),
    "deposit-released": Rule("receivable", "deposits"),
    "credit-spent": Rule("credit", "receivable"),
    "credit-released": Rule("receivable", "credit"),
    # a refund becomes credit
    "refund-receivable-credit": Rule("receivable", "credit"),
    "refund-deposits-credit": Rule("deposits", "credit"),
    # a refund goes back to where the money came from
    "refund-receivable-cash": Rule("receivable", "cash"),
    "refund-receivable-bank": Rule("receivable", "bank"),
    "refund-receivable-gateway": Rule("receivable", "gateway"),
    "refund-deposits-cash": Rule("deposits", "cash"),
    "refund-deposits-bank": Rule("deposits", "bank"),
    "refund-deposits-gateway": Rule("deposits", "gateway"),
    "refund-credit-cash": Rule("credit", "cash"),
    "refund-credit-bank": Rule("credit", "bank"),
    # a bank disputes a card payment: the customer owes the money again once the clinic has lost
    "dispute-opened": Rule("disputes", "gateway"),
    "dispute-won": Rule("gateway", "disputes"),
    "dispute-lost-receivable": Rule("receivable", "disputes"),
    "dispute-lost-deposits": Rule("deposits", "disputes"),
    "written-off": Rule("costs", "receivable"),
    # the payment provider
    "authorisation": Rule("gateway", "deposits"),
    "gateway-fee": Rule("costs", "gateway"),
    "payout": Rule("bank", "gateway"),
}
"""All posting rules. The ledger contains no transfer between other accounts."""


class Posting(NamedTuple):
    """A transfer to write."""

    rule: str
    currency: str
    amount: int
    customer_id: UUID | None = None
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    allocation_id: UUID | None = None
    refund_id: UUID | None = None
    reference: str | None = None
    stage: Stage = "final"
    resolves_id: UUID | None = None


class Transfer(msgspec.Struct, kw_only=True, rename="camel"):
    """An amount that moved from one account to another."""

    id: UUID
    created_at: datetime
    rule: str
    debit: str
    credit: str
    amount: Money
    stage: Stage
    """A `pending` transfer does not count until one that is `posted` resolves it."""
    customer_id: UUID | None
    invoice_id: UUID | None
    payment_id: UUID | None
    refund_id: UUID | None
    reference: str | None


class LedgerFilter(PageQuery, kw_only=True):
    """Oldest first. Both days are included."""

    from_date: Annotated[Date, msgspec.Meta(description="first day")] | None = msgspec.field(default=None, name="from")
    until_date: Annotated[Date, msgspec.Meta(description="last day")] | None = msgspec.field(default=None, name="to")

    def __post_init__(self) -> None:
        if self.from_date and self.until_date and self.until_date < self.from_date:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class LedgerRange(RequestBody, kw_only=True):
    """Both days are included."""

    from_date: Annotated[Date, msgspec.Meta(description="first day")] | None = msgspec.field(default=None, name="from")
    until_date: Annotated[Date, msgspec.Meta(description="last day")] | None = msgspec.field(default=None, name="to")

    def __post_init__(self) -> None:
        if self.from_date and self.until_date and self.until_date < self.from_date:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))
