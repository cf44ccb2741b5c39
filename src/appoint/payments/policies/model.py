"""Payment policies: a clinic's, and for single appointment types."""

from typing import Annotated, Any, Final, Literal

import msgspec

from ...kit.money import portion
from ...kit.structs import RequestBody
from ..tax import NO_TAX_ON_CARE, NOT_SUBJECT_TO_TAX, Tax, TaxCategory, TaxRate, TaxReason

RefundTo = Literal["credit", "method", "ask"]
InvoicesAt = Literal["never", "booking", "visit"]
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=525_600)]
Series = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9-]{1,20}$(?!\n)", examples=["LAKESIDE"])]


class CancellationRule(RequestBody):
    """The share of the price that the clinic keeps if a patient cancels less than `beforeMinutes` ahead."""

    before_minutes: Annotated[int, msgspec.Meta(ge=1, le=525_600)]
    keep_percent: Percent


class PaymentPolicyContent(RequestBody):
    """How a clinic charges. For a type, null means as at the clinic; for a clinic, null means the default. Amounts are
    in minor units of the clinic's currency."""

    deposit_amount: Annotated[int, msgspec.Meta(ge=1, le=10**12)] | None = None
    deposit_percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    """The share of the price that patients pay to book; 100 for all of it."""
    deposit_refund_minutes: Minutes | None = None
    """Until how many minutes ahead patients can cancel and get the whole deposit back."""
    cancellation: Annotated[list[CancellationRule], msgspec.Meta(max_length=10)] = []
    """If several rules apply, the one with the fewest minutes does. Empty for a type: as at the clinic."""
    no_show_fee_amount: Amount | None = None
    issues_fees: bool | None = None
    """Whether fees are invoiced at once. By default, they stay drafts for staff to decide about."""
    invoices_at: InvoicesAt | None = None
    """When Appoint drafts an invoice for an appointment with a price: when it is booked, after the visit (the default),
    or never."""
    refund_to: RefundTo | None = None
    prices_include_tax: bool | None = None
    tax_category: TaxCategory | None = None
    tax_rate: TaxRate | None = None
    tax_reason: TaxReason | None = None
    fee_tax_category: TaxCategory | None = None
    fee_tax_rate: TaxRate | None = None
    mails_invoices: bool | None = None
    """Whether patients get invoices and credit notes by email as soon as they are issued, as they do by default."""
    series: Series | None = None
    """What the numbers of invoices begin with, before the year."""
    payment_terms_days: Annotated[int, msgspec.Meta(ge=0, le=365)] | None = None
    retain_invoices_years: Annotated[int, msgspec.Meta(ge=1, le=30)] | None = None
    """How long the law requires the clinic to keep invoices, credit notes and receipts, in years after the year of
    issue; 10 by default. Then Appoint removes personal data from them and deletes their PDFs."""


class PaymentPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that applies: the type's, then the clinic's, then the default."""

    deposit_amount: int | None = None
    deposit_percent: int | None = None
    deposit_refund_minutes: int = 1440
    cancellation: tuple[CancellationRule, ...] = ()
    no_show_fee_amount: int = 0
    issues_fees: bool = False
    invoices_at: InvoicesAt = "visit"
    refund_to: RefundTo = "credit"
    prices_include_tax: bool = True
    tax: Tax = NO_TAX_ON_CARE
    fee_tax: Tax = Tax("O", 0, NOT_SUBJECT_TO_TAX)
    mails_invoices: bool = True
    series: str = ""
    payment_terms_days: int = 14
    retain_invoices_years: int = 10

    def deposit(self, price: int) -> int:
        """Return what patients pay to book something with this price."""
        return portion(price, percent=self.deposit_percent, amount=self.deposit_amount)

    def series_of(self, kind: Literal["invoice", "creditNote", "receipt"], year: int) -> str:
        """Return the series for this kind of document, such as “2027” or “CN-2027”."""
        prefix = {"invoice": "", "creditNote": "CN-", "receipt": "R-"}[kind]
        return f"{prefix}{self.series + '-' if self.series else ''}{year}"


DEFAULT_POLICY: Final = PaymentPolicy()
SAME_MEMBERS: Final = (
    "deposit_refund_minutes", "no_show_fee_amount", "issues_fees", "invoices_at", "refund_to", "prices_include_tax",
    "mails_invoices", "series", "payment_terms_days", "retain_invoices_years",
)  # fmt: skip
"""The members that a policy states in the same way as its content."""


def resolve_policy(*contents: PaymentPolicyContent) -> PaymentPolicy:
    """Return the policy that applies. The contents are ordered from the most specific one."""
    policy = DEFAULT_POLICY
    for content in reversed(contents):
        policy = _override(policy, content)
    return policy


def _override(policy: PaymentPolicy, content: PaymentPolicyContent) -> PaymentPolicy:
    """Return the policy with everything that the content states."""
    stated: dict[str, Any] = {name: value for name in SAME_MEMBERS if (value := getattr(content, name)) is not None}
    if content.deposit_amount is not None or content.deposit_percent is not None:
        stated |= {"deposit_amount": content.deposit_amount, "deposit_percent": content.deposit_percent}
    if content.cancellation:
        stated["cancellation"] = tuple(content.cancellation)
    if content.tax_category is not None:
        stated["tax"] = Tax(content.tax_category, content.tax_rate or 0, content.tax_reason)
    if content.fee_tax_category is not None:
        reason = NOT_SUBJECT_TO_TAX if content.fee_tax_category == "O" else content.tax_reason
        stated["fee_tax"] = Tax(content.fee_tax_category, content.fee_tax_rate or 0, reason)
    return msgspec.structs.replace(policy, **stated)
