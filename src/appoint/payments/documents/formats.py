"""How a document writes dates, figures and amounts: as its language and region do."""

from datetime import date
from decimal import Decimal
from typing import Final

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from ...kit.regions import locale_of
from ..tax import BASIS_POINTS

MINUS: Final = "\N{MINUS SIGN}"


class Formats:
    """Formats for a language tag and a currency."""

    def __init__(self, language: str, currency: str) -> None:
        self._locale = locale_of(language)
        self._currency = currency
        self._unit = Decimal(1).scaleb(-get_currency_precision(currency))

    def money(self, amount: int) -> str:
        """Format an amount in minor units."""
        text = format_currency(abs(amount) * self._unit, self._currency, locale=self._locale)
        return f"{MINUS}{text}" if amount < 0 else text

    def rate(self, rate: int) -> str:
        """Format a rate in basis points: “19%”, “7.7%”."""
        return format_percent(Decimal(rate) / BASIS_POINTS, locale=self._locale, decimal_quantization=False)

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self._locale)

    def long_date(self, day: date) -> str:
        """Format a date with the month's name, which no one misreads."""
        return format_date(day, "long", locale=self._locale)

    def date_range(self, first: date, last: date) -> str:
        """Format a range of dates, or a single one if both are equal."""
        return self.long_date(first) if first == last else f"{self.long_date(first)} – {self.long_date(last)}"

    def short_date(self, day: date) -> str:
        return format_date(day, "medium", locale=self._locale)
