"""Amounts and percentages as people type them."""

import re
from decimal import Decimal
from typing import Final

from babel.numbers import format_percent, get_currency_precision, get_decimal_symbol

from ....kit import regions
from ....kit.errors import Fault
from ....kit.i18n import translatable
from ....kit.money import MAX_AMOUNT, Money, format_amount
from ....payments.tax import BASIS_POINTS

TYPED: Final = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]*))?")
PERCENT_DECIMALS: Final = 2


def parse_amount(text: str, currency: str) -> int | None:
    """Return a typed amount in the currency's minor units, without rounding: 12.50 or 12,50 euros, 1250 yen. Return
    None for anything else, such as an amount with too many decimals."""
    amount = _parse(text, get_currency_precision(currency))
    return amount if amount is not None and amount <= MAX_AMOUNT else None


def parse_percent(text: str) -> int | None:
    """Return a typed percentage in basis points: 1900 for “19” or “19.0”. Return None for anything else."""
    return _parse(text.replace("%", ""), PERCENT_DECIMALS)


def _parse(text: str, decimals: int) -> int | None:
    match = TYPED.fullmatch(re.sub(r"\s", "", text))
    if match is None or len(match[2] or "") > decimals:
        return None
    return int(match[1] + (match[2] or "").ljust(decimals, "0"))


def typed_amount(amount: int, currency: str, language: str) -> str:
    """Return an amount as someone would type it in this language: “12.50”, “12,50”, or “1250” for yen."""
    symbol = get_decimal_symbol(regions.locale_of(language))
    return format_amount(Money(amount, currency)).replace(".", symbol if symbol in ".," else ".")


def typed_percent(basis_points: int, language: str) -> str:
    """Return a percentage as someone would type it in this language: “19”, “7.7”, “7,7”."""
    symbol = get_decimal_symbol(regions.locale_of(language))
    whole, part = divmod(basis_points, 100)
    decimals = f"{part:02}".rstrip("0")
    return f"{whole}{symbol if symbol in '.,' else '.'}{decimals}" if decimals else str(whole)


def amount_fault(pointer: str, currency: str, language: str) -> Fault:
    """Return the fault for text that is not an amount."""
    example = typed_amount(125 * 10 ** get_currency_precision(currency) // 10, currency, language)
    return Fault(pointer, translatable("Enter an amount, such as {example}"), example=example)


def format_tax_rate(basis_points: int, language: str) -> str:
    """Return a tax rate as people read it: “19%”, “7,7 %”."""
    return format_percent(
        Decimal(basis_points) / BASIS_POINTS, locale=regions.locale_of(language), decimal_quantization=False
    )
