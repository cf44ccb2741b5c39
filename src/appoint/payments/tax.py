"""Tax on invoices, computed in whole minor units.

EN 16931-1 has one VAT breakdown per category and rate (BG-23), and rounds the tax once there (BT-117 = BT-116 × BT-119,
rule BR-CO-17). Rounding each line separately would give a different total. So Appoint rounds once per group, and then
shares the group's tax out among its lines by the largest remainder, which makes the lines add up to the total exactly.
Directive 2006/112/EC, article 226 (8)–(11), requires the same figures on an invoice: the taxable amount per rate or
exemption, the rate, the tax, and the reason why something is exempt.

Amounts are integers, so it makes no difference whether a currency has no, two or three decimals. Every amount is zero
or more: a discount is part of its line, and a credit note lists what it takes back as positive amounts, as document
type 381 does in EN 16931.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, NamedTuple, get_args

import msgspec

from ..kit import errors

TaxCategory = Literal["S", "Z", "E", "O"]
"""A category from UNCL 5305, as in EN 16931: `S`, taxed at a rate above zero; `Z`, zero-rated; `E`, exempt; `O`, not
subject to tax, such as a deposit kept as compensation after a no-show."""
BASIS_POINTS: Final = 10_000
MAX_RATE: Final = BASIS_POINTS
TaxRate = Annotated[int, msgspec.Meta(ge=0, le=MAX_RATE, description="in hundredths of a percent", examples=[1900])]
TaxReason = Annotated[
    str,
    msgspec.Meta(
        max_length=200,
        description="why no tax is charged: a code from the VATEX list, or a sentence that the invoice quotes",
        examples=["VATEX-EU-132-1C"],
    ),
]

MEDICAL_CARE: Final = "VATEX-EU-132-1C"
"""The code for care by the medical professions: article 132 (1)(c) of Directive 2006/112/EC."""
NOT_SUBJECT_TO_TAX: Final = "VATEX-EU-O"


class Tax(NamedTuple):
    """How something is taxed. Within an invoice, equal categories and rates form a group."""

    category: TaxCategory
    rate: int
    """In basis points: 1900 is 19 %."""
    reason: str | None = None
    """Why no tax is charged: a VATEX code, or a sentence."""


NO_TAX_ON_CARE: Final = Tax("E", 0, MEDICAL_CARE)


class TaxableLine(NamedTuple):
    """A line's amount after its discount, either with or without tax, and how it is taxed."""

    amount: int
    tax: Tax


class LineAmounts(NamedTuple):
    """`gross` is always `net + tax`."""

    net: int
    tax: int
    gross: int


class TaxGroup(NamedTuple):
    """The lines with the same category and rate: BG-23 in EN 16931."""

    category: TaxCategory
    rate: int
    reasons: tuple[str, ...]
    """Why no tax is charged, each reason once. The standard allows only one group of exempt lines per invoice, so lines
    that are exempt for different reasons share it."""
    net: int
    tax: int
    gross: int


class TaxBreakdown(NamedTuple):
    """An invoice's amounts: for each line in its original order, for each group, and in total."""

    lines: tuple[LineAmounts, ...]
    groups: tuple[TaxGroup, ...]
    total: LineAmounts


def check_tax(tax: Tax, path: str = "#") -> None:
    """Raise `Invalid` if the rate or reason doesn't suit the category.

    Only standard-rated services have a rate (BR-S-05, BR-Z-05, BR-E-05, BR-O-05), and what is exempt or not subject to
    tax needs a reason (BR-E-10, BR-O-10, article 226 (11)); nothing else may have one (BR-S-10, BR-Z-10).
    """
    faults: list[errors.Fault] = []
    if tax.category == "S" and tax.rate == 0:
        faults.append(errors.Fault(f"{path}/taxRate", "must be more than 0 in tax category S"))
    if tax.category != "S" and tax.rate != 0:
        faults.append(errors.Fault(f"{path}/taxRate", "must be 0 unless the tax category is S"))
    if tax.category in ("E", "O") and not tax.reason:
        faults.append(errors.Fault(f"{path}/taxReason", "is required in tax categories E and O"))
    if tax.category in ("S", "Z") and tax.reason:
        faults.append(errors.Fault(f"{path}/taxReason", "is only for tax categories E and O"))
    if faults:
        raise errors.Invalid(*faults)


def break_down(lines: Sequence[TaxableLine], *, prices_include_tax: bool) -> TaxBreakdown:
    """Compute the tax on an invoice's lines.

    If prices include tax, a line's amount is its gross amount, and a group's tax is gross × r ÷ (1 + r). Otherwise the
    amount is net, and the tax is net × r. Groups are ordered by category, then from the highest rate to the lowest.
    """
    positions: dict[tuple[TaxCategory, int], list[int]] = {}
    for position, line in enumerate(lines):
        positions.setdefault((line.tax.category, line.tax.rate), []).append(position)
    amounts: dict[int, LineAmounts] = {}
    for (_, rate), members in positions.items():
        shares = _share([lines[position].amount for position in members], rate, prices_include_tax=prices_include_tax)
        amounts.update(zip(members, shares, strict=True))
    in_order = tuple(amounts[position] for position in range(len(lines)))
    return sum_up([(line.tax, shares) for line, shares in zip(lines, in_order, strict=True)])


def sum_up(lines: Sequence[tuple[Tax, LineAmounts]]) -> TaxBreakdown:
    """Add up lines whose tax has been computed already, per group and in total."""
    members: dict[tuple[TaxCategory, int], list[tuple[Tax, LineAmounts]]] = {}
    for tax, amounts in lines:
        members.setdefault((tax.category, tax.rate), []).append((tax, amounts))
    groups = tuple(
        TaxGroup(
            *key,
            tuple(dict.fromkeys(tax.reason for tax, _ in members[key] if tax.reason)),
            *_add_up([amounts for _, amounts in members[key]]),
        )
        for key in sorted(members, key=lambda key: _group_order(*key))
    )
    in_order = tuple(amounts for _, amounts in lines)
    return TaxBreakdown(in_order, groups, _add_up(in_order))


def _group_order(category: TaxCategory, rate: int) -> tuple[int, int]:
    return get_args(TaxCategory).index(category), -rate


def _add_up(amounts: Sequence[LineAmounts]) -> LineAmounts:
    net, tax = sum(line.net for line in amounts), sum(line.tax for line in amounts)
    return LineAmounts(net, tax, net + tax)


def _share(amounts: Sequence[int], rate: int, *, prices_include_tax: bool) -> list[LineAmounts]:
    """Share a group's tax out among its lines.

    Each line gets its exact tax rounded down. The rest of the group's tax goes to the lines with the largest
    remainders, one unit each, and to the earlier line if remainders are equal. There are never more units left than
    lines with a remainder, so each line's tax is less than one unit off its exact tax.
    """
    if min(amounts) < 0:
        raise ValueError("an invoice's amounts cannot be negative")
    divisor = BASIS_POINTS + rate if prices_include_tax else BASIS_POINTS
    total = (2 * sum(amounts) * rate + divisor) // (2 * divisor)  # rounded half up
    taxes, remainders = zip(*(divmod(amount * rate, divisor) for amount in amounts), strict=True)
    spare = total - sum(taxes)
    by_remainder = sorted(range(len(amounts)), key=lambda position: (-remainders[position], position))
    gaining = frozenset(by_remainder[:spare])
    return [
        _line_amounts(amount, tax + (position in gaining), prices_include_tax=prices_include_tax)
        for position, (amount, tax) in enumerate(zip(amounts, taxes, strict=True))
    ]


def _line_amounts(amount: int, tax: int, *, prices_include_tax: bool) -> LineAmounts:
    net = amount - tax if prices_include_tax else amount
    return LineAmounts(net, tax, net + tax)
