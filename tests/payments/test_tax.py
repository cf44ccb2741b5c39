"""Tax is rounded once per category and rate, and its lines add up to it exactly."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random

import pytest
from babel.numbers import get_currency_precision
from hypothesis import given, settings
from hypothesis import strategies as st

from appoint.kit.errors import Invalid
from appoint.payments.tax import (
    MEDICAL_CARE,
    NO_TAX_ON_CARE,
    NOT_SUBJECT_TO_TAX,
    LineAmounts,
    Tax,
    TaxableLine,
    TaxBreakdown,
    TaxGroup,
    break_down,
    check_tax,
)
from support.scale import scaled

STANDARD, REDUCED, ZERO = Tax("S", 1900), Tax("S", 700), Tax("Z", 0)
KEPT_DEPOSIT = Tax("O", 0, NOT_SUBJECT_TO_TAX)
TAXES = [STANDARD, REDUCED, Tax("S", 1), Tax("S", 770), Tax("S", 10_000), ZERO, NO_TAX_ON_CARE, KEPT_DEPOSIT]
LARGEST_AMOUNT = 10**12


def taxed(*amounts: int, tax: Tax = STANDARD) -> list[TaxableLine]:
    return [TaxableLine(amount, tax) for amount in amounts]


def test_tax_is_rounded_once_per_rate_and_not_per_line():
    """19 % of 0.13 is 0.0247, which rounds to 0.02 on each line. On all three together, it is 0.0741."""
    breakdown = break_down(taxed(13, 13, 13), prices_include_tax=False)
    assert breakdown.total == LineAmounts(39, 7, 46)
    assert [line.tax for line in breakdown.lines] == [3, 2, 2]


def test_half_a_unit_is_rounded_up():
    assert break_down(taxed(50, tax=Tax("S", 100)), prices_include_tax=False).total.tax == 1
    assert break_down(taxed(49, tax=Tax("S", 100)), prices_include_tax=False).total.tax == 0
    assert break_down(taxed(3, tax=Tax("S", 10_000)), prices_include_tax=True).total.tax == 2


def test_the_largest_remainders_get_the_missing_units():
    lines = break_down(taxed(101, 105, 103), prices_include_tax=False).lines  # 19.19, 19.95 and 19.57
    assert [line.tax for line in lines] == [19, 20, 20]


def test_prices_that_include_tax_keep_their_gross_amount():
    breakdown = break_down(taxed(11900, 5000), prices_include_tax=True)
    assert breakdown.lines == (LineAmounts(10000, 1900, 11900), LineAmounts(4202, 798, 5000))
    assert breakdown.total == LineAmounts(14202, 2698, 16900)


def test_lines_with_the_same_category_and_rate_form_a_group_and_keep_their_order():
    lines = [
        *taxed(8000, tax=NO_TAX_ON_CARE),
        *taxed(1000, tax=REDUCED),
        *taxed(2000),
        *taxed(500, tax=Tax("E", 0, "Exempt under national law")),
        *taxed(3000),
        *taxed(1500, tax=KEPT_DEPOSIT),
    ]
    breakdown = break_down(lines, prices_include_tax=False)
    assert breakdown.groups == (
        TaxGroup("S", 1900, (), 5000, 950, 5950),
        TaxGroup("S", 700, (), 1000, 70, 1070),
        TaxGroup("E", 0, (MEDICAL_CARE, "Exempt under national law"), 8500, 0, 8500),
        TaxGroup("O", 0, (NOT_SUBJECT_TO_TAX,), 1500, 0, 1500),
    )
    assert [line.net for line in breakdown.lines] == [line.amount for line in lines]
    assert breakdown.total == LineAmounts(16000, 1020, 17020)


def test_an_invoice_without_lines_has_no_tax():
    assert break_down([], prices_include_tax=True) == TaxBreakdown((), (), LineAmounts(0, 0, 0))


def test_negative_amounts_are_refused():
    with pytest.raises(ValueError, match="negative"):
        break_down(taxed(100, -1), prices_include_tax=False)


@pytest.mark.parametrize("tax", TAXES)
def test_suitable_rates_and_reasons_are_accepted(tax: Tax):
    check_tax(tax)


@pytest.mark.parametrize(
    ("tax", "pointers"),
    [
        (Tax("S", 0), ["#/tax/taxRate"]),
        (Tax("E", 700, MEDICAL_CARE), ["#/tax/taxRate"]),
        (Tax("Z", 700), ["#/tax/taxRate"]),
        (Tax("E", 0), ["#/tax/taxReason"]),
        (Tax("O", 1900), ["#/tax/taxRate", "#/tax/taxReason"]),
        (Tax("S", 1900, MEDICAL_CARE), ["#/tax/taxReason"]),
        (Tax("Z", 0, "Because"), ["#/tax/taxReason"]),
    ],
)
def test_rates_and_reasons_that_do_not_suit_the_category_are_refused(tax: Tax, pointers: list[str]):
    with pytest.raises(Invalid) as refused:
        check_tax(tax, "#/tax")
    assert [fault.pointer for fault in refused.value.faults] == pointers


amounts = st.integers(0, 10) | st.integers(0, 100_000) | st.integers(0, LARGEST_AMOUNT)


@given(st.lists(st.builds(TaxableLine, amounts, st.sampled_from(TAXES)), max_size=30), st.booleans())
@settings(max_examples=scaled(5000, 200))
def test_amounts_add_up_in_any_cart(lines: list[TaxableLine], prices_include_tax: bool):
    check_cart(lines, prices_include_tax)


@pytest.mark.parametrize("currency", ["JPY", "EUR", "KWD"])
def test_amounts_add_up_in_random_carts_with_no_two_and_three_decimals(currency: str):
    random, scale = Random(currency), 10 ** get_currency_precision(currency)
    for _ in range(scaled(333_334, 500)):
        prices = [random.choice((0, 1, random.randrange(1, 300 * scale))) for _ in range(random.randrange(1, 9))]
        check_cart([TaxableLine(price, random.choice(TAXES)) for price in prices], random.random() < 0.5)


def check_cart(lines: list[TaxableLine], prices_include_tax: bool) -> None:
    breakdown = break_down(lines, prices_include_tax=prices_include_tax)
    kept = [line.gross if prices_include_tax else line.net for line in breakdown.lines]
    assert kept == [line.amount for line in lines]
    assert add_up(breakdown.lines) == add_up(breakdown.groups) == breakdown.total
    taxes: Counter[tuple[str, int]] = Counter()
    for line, part in zip(lines, breakdown.lines, strict=True):
        assert part.gross == part.net + part.tax
        assert min(part) >= 0
        assert abs(part.tax - exact_tax(line.amount, line.tax.rate, prices_include_tax)) < 1
        taxes[line.tax.category, line.tax.rate] += line.amount
    assert len(breakdown.groups) == len(taxes)
    for group in breakdown.groups:
        exact = exact_tax(taxes[group.category, group.rate], group.rate, prices_include_tax)
        assert group.tax == rounded_half_up(exact)


def add_up(parts) -> LineAmounts:
    return LineAmounts(sum(part.net for part in parts), sum(part.tax for part in parts), sum(p.gross for p in parts))


def exact_tax(amount: int, rate: int, prices_include_tax: bool) -> Fraction:
    return Fraction(amount * rate, 10_000 + rate if prices_include_tax else 10_000)


def rounded_half_up(value: Fraction) -> int:
    """Round with `Decimal` rather than with the formula under test."""
    return int((Decimal(value.numerator * 2) / Decimal(value.denominator) / 2).quantize(Decimal(1), ROUND_HALF_UP))
