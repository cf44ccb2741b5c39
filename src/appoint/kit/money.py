"""Money: an amount in whole minor units, and a currency."""

from functools import cache
from typing import Annotated, Final, NamedTuple

import msgspec
from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_name, get_currency_precision, get_territory_currencies

from .i18n import translatable


@cache
def currencies_in_use() -> frozenset[str]:
    """Return the ISO 4217 codes of the currencies that are legal tender somewhere, as listed by CLDR."""
    codes = {str(code) for code in Locale("en").currencies if len(str(code)) == 3}
    return frozenset(
        code
        for territory in get_global("territory_currencies")
        for code in get_territory_currencies(territory, tender=True)
        if code in codes
    )


def _check_currency(code: str) -> str | None:
    return None if code in currencies_in_use() else translatable("must be an ISO 4217 currency, such as EUR")


Currency = Annotated[
    str, msgspec.Meta(extra={"check": _check_currency}, extra_json_schema={"format": "currency"}, examples=["EUR"])
]


MAX_AMOUNT: Final = 10**12
Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An `amount` in minor units (such as cents) of `currency`."""

    amount: Amount
    currency: Currency


def portion(price: int, *, percent: int | None, amount: int | None) -> int:
    """Return a percentage of a price, rounded half up, or an amount, which is at most the price."""
    return (price * percent + 50) // 100 if percent is not None else min(amount or 0, price)


class Discount(NamedTuple):
    """A reduction of a price by a percentage, or by an amount in minor units."""

    percent: int | None
    amount: int | None

    def of(self, price: int) -> int:
        return portion(price, percent=self.percent, amount=self.amount)


class CurrencyChoice(NamedTuple):
    """A currency in a list that people choose from."""

    code: str
    name: str
    decimals: int


def currency_of(country: str) -> str:
    """Return a country's currency, or the euro for an unknown country."""
    return next(iter(get_territory_currencies(country, tender=True)), "EUR") if country else "EUR"


def currency_choices(language: str, *extra: str) -> list[CurrencyChoice]:
    """Return the currencies in use and the `extra` ones, with their names in the language."""
    return [
        CurrencyChoice(code, f"{code} – {get_currency_name(code, locale=language)}", get_currency_precision(code))
        for code in sorted(currencies_in_use() | set(extra))
    ]


def format_amount(money: Money | None) -> str:
    """Return the amount in major units, as people type it: “12.50”, or “1250” for yen."""
    if money is None:
        return ""
    decimals = get_currency_precision(money.currency)
    digits = str(money.amount).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
