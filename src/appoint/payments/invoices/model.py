"""Invoices and credit notes."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...kit import errors
from ...kit.fields import Date, Locale
from ...kit.i18n import translatable
from ...kit.money import MAX_AMOUNT, Currency, Money
from ...kit.structs import PageQuery, RequestBody, Resource
from ..parties import Party
from ..policies.model import PaymentPolicy
from ..tax import Tax, TaxableLine, TaxCategory, TaxRate, TaxReason, break_down, check_tax

MAX_LINES: Final = 500
Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Description = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S", examples=["Check-up"])]
Note = Annotated[str, msgspec.Meta(max_length=2000)]
Kind = Annotated[Literal["invoice", "creditNote"], msgspec.Meta(examples=["invoice"])]
Status = Annotated[Literal["draft", "issued"], msgspec.Meta(examples=["issued"])]
ListedStatus = Annotated[Literal["draft", "issued", "open", "overdue", "settled"], msgspec.Meta(examples=["open"])]
Occasion = Literal["visit", "noShow", "cancellation"]


class LineContent(RequestBody, kw_only=True):
    """A line as staff enter it. Amounts are in minor units of the invoice's currency. Without a tax category, the tax
    follows the clinic's policy."""

    description: Description
    quantity: Quantity = 1
    unit_amount: Amount
    discount_amount: Amount = 0
    """What the line costs less, in total. At most its quantity times its unit amount."""
    appointment_id: UUID | None = None
    supplied_on: Date | None = None
    """The date of service. By default, the date of the appointment or, without one, the date of issue."""
    coupon: Annotated[str, msgspec.Meta(max_length=60, examples=["SPRING"])] | None = None
    """A coupon's code. Its discount replaces `discountAmount`."""
    tax_category: TaxCategory | None = None
    tax_rate: TaxRate = 0
    tax_reason: TaxReason | None = None


class InvoiceContent(RequestBody, kw_only=True):
    """A draft's content."""

    customer_id: UUID
    currency: Currency | None = None
    """The clinic's currency, unless stated."""
    language: Locale | None = None
    note: Note | None = None
    """Printed on the invoice."""
    lines: Annotated[list[LineContent], msgspec.Meta(max_length=MAX_LINES)]


class InvoicePatch(RequestBody):
    """A JSON merge patch. `lines` replaces all lines."""

    language: Locale | UnsetType = UNSET
    note: Note | None | UnsetType = UNSET
    lines: Annotated[list[LineContent], msgspec.Meta(max_length=MAX_LINES)] | UnsetType = UNSET


class CreditNoteContent(RequestBody):
    """What a credit note takes back."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    lines: Annotated[list[LineContent], msgspec.Meta(min_length=1, max_length=MAX_LINES)] | None = None
    """By default, everything on the invoice."""


class InvoiceLine(msgspec.Struct, kw_only=True, rename="camel"):
    """A line with its amounts, in minor units of the invoice's currency."""

    description: str
    appointment_id: UUID | None = None
    supplied_on: date | None = None
    """The date of service, if staff have entered it."""
    coupon_use_id: UUID | None = None
    quantity: int
    unit_amount: int
    discount_amount: int
    includes_tax: bool
    """Whether `unitAmount` and `discountAmount` include tax."""
    tax_category: TaxCategory
    tax_rate: int
    """In hundredths of a percent."""
    tax_reason: str | None
    net: int
    tax: int
    gross: int


class Invoice(Resource):
    """An invoice or a credit note. It never changes once it is issued."""

    id: UUID
    clinic_id: int
    kind: Kind
    corrects_id: UUID | None
    """The invoice that a credit note corrects."""
    status: Status
    settled: bool
    """Whether nothing is left to pay. Always true for a credit note."""
    customer_id: UUID
    total: Money
    paid: Money
    open: Money
    language: Locale
    note: str | None
    appointment_id: UUID | None
    """The appointment that Appoint drafted the invoice for."""
    occasion: Occasion | None
    number: str | None
    issued_at: datetime | None
    due_on: date | None
    buyer: Party | None
    seller: Party | None
    lines: list[InvoiceLine]


class OwnInvoice(NamedTuple):
    """A customer's invoice or credit note, and the name of the clinic that issued it."""

    invoice: Invoice
    clinic: str


class InvoiceFilter(PageQuery):
    """Newest first."""

    EXAMPLE = {"status": "issued"}

    customer_id: UUID | None = None
    """The patient."""
    status: ListedStatus | None = None
    """`open`: issued, and not yet paid in full; `overdue`: open, and due before today; `settled`: paid in full."""
    from_date: Annotated[Date, msgspec.Meta(description="first day of issue")] | None = msgspec.field(
        default=None, name="from"
    )
    until_date: Annotated[Date, msgspec.Meta(description="last day of issue")] | None = msgspec.field(
        default=None, name="to"
    )

    def __post_init__(self) -> None:
        if self.from_date and self.until_date and self.until_date < self.from_date:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class PricedLine(msgspec.Struct, frozen=True):
    """A line that is ready to be stored."""

    content: LineContent
    tax: Tax
    discount_amount: int
    coupon_use_id: UUID | None
    net: int
    tax_amount: int
    gross: int
    first_cent: int


class LineDiscount(msgspec.Struct, frozen=True):
    """What a coupon takes off a line."""

    coupon_use_id: UUID
    amount: int


def price_lines(
    lines: Sequence[LineContent], policy: PaymentPolicy, discounts: dict[int, LineDiscount]
) -> tuple[list[PricedLine], int]:
    """Compute the lines' amounts and the total. `discounts` has the coupons' discounts by the lines' positions.

    Raise `Invalid` for a discount that is larger than its line, a tax that doesn't suit its category, or a total that
    is too large.
    """
    taxes: list[Tax] = []
    amounts: list[int] = []
    faults: list[errors.Fault] = []
    for position, line in enumerate(lines):
        tax = Tax(line.tax_category, line.tax_rate, line.tax_reason) if line.tax_category else policy.tax
        check_tax(tax, f"#/lines/{position}")
        discount = discounts[position].amount if position in discounts else line.discount_amount
        amount = line.quantity * line.unit_amount - discount
        if amount < 0:
            faults.append(
                errors.Fault(f"#/lines/{position}/discountAmount", translatable("is larger than the line’s amount"))
            )
        taxes.append(tax)
        amounts.append(max(amount, 0))
    if sum(amounts) > MAX_AMOUNT:
        faults.append(errors.Fault("#/lines", translatable("add up to too large an amount")))
    if faults:
        raise errors.Invalid(*faults)
    breakdown = break_down(
        [TaxableLine(amount, tax) for amount, tax in zip(amounts, taxes, strict=True)],
        prices_include_tax=policy.prices_include_tax,
    )
    if breakdown.total.gross > MAX_AMOUNT:
        raise errors.Invalid(errors.Fault("#/lines", translatable("add up to too large an amount")))
    first_cent, priced = 0, list[PricedLine]()
    for position, (line, tax, shares) in enumerate(zip(lines, taxes, breakdown.lines, strict=True)):
        discount = discounts.get(position)
        priced.append(
            PricedLine(
                content=line,
                tax=tax,
                discount_amount=discount.amount if discount else line.discount_amount,
                coupon_use_id=discount and discount.coupon_use_id,
                net=shares.net,
                tax_amount=shares.tax,
                gross=shares.gross,
                first_cent=first_cent,
            )
        )
        first_cent += shares.gross
    return priced, first_cent


def with_tax_of(invoice: Invoice, line: LineContent) -> LineContent:
    """Return a credit note's line with the tax of the corrected invoice's first line, unless it states its own. The
    clinic's policy may have changed since the invoice was issued."""
    if line.tax_category or not invoice.lines:
        return line
    first = invoice.lines[0]
    return msgspec.structs.replace(
        line, tax_category=first.tax_category, tax_rate=first.tax_rate, tax_reason=first.tax_reason
    )


def line_content(line: InvoiceLine) -> LineContent:
    """Return a line as it would have been entered."""
    return LineContent(
        description=line.description,
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        discount_amount=line.discount_amount,
        appointment_id=line.appointment_id,
        supplied_on=line.supplied_on,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
        tax_reason=line.tax_reason,
    )
