"""Money: whole minor units and a currency."""

from functools import cache
from typing import Annotated, Final, NamedTuple

import msgspec
from babel import Locale
from babel.core import get_global
from babel.numbers import get_currency_name, get_currency_precision, get_territory_currencies

from .i18n import translatable

CURRENCIES: Final = frozenset(code for code in Locale("en").currencies if len(str(code)) == 3)
"""ISO 4217 codes, past and present, as CLDR lists them."""


def _exists(code: str) -> str | None:
    return None if code in CURRENCIES else translatable("must be an ISO 4217 currency, such as EUR")


Currency = Annotated[
    str, msgspec.Meta(extra={"check": _exists}, extra_json_schema={"format": "currency"}, examples=["EUR"])
]


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` minor units (cents) of `currency`."""

    amount: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    currency: Currency


class Choice(NamedTuple):
    """A currency as people choose it."""

    code: str
    name: str
    decimals: int


@cache
def in_use() -> frozenset[str]:
    """The currencies that people pay with somewhere."""
    return (
        frozenset(
            code
            for territory in get_global("territory_currencies")
            for code in get_territory_currencies(territory, tender=True)
        )
        & CURRENCIES
    )


def choices(language: str, *known: str) -> list[Choice]:
    """Those in use, and those known already."""
    return [
        Choice(code, f"{code} – {get_currency_name(code, locale=language)}", get_currency_precision(code))
        for code in sorted(in_use() | set(known))
    ]


def plain(money: Money | None) -> str:
    """The amount in major units, as people type it: “12.50”, or “1250” yen."""
    if money is None:
        return ""
    decimals = get_currency_precision(money.currency)
    digits = str(money.amount).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
