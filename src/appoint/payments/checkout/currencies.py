"""Convert amounts between our minor units, which follow CLDR, and the payment provider's, which follow its own list."""

from typing import Final

from babel.numbers import get_currency_precision

from ...kit.money import Money

ZERO_DECIMALS: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
"""Currencies that the provider counts in whole units. It used to count Icelandic krónur and Ugandan shillings in
hundredths, and still expects them multiplied by 100."""
THREE_DECIMALS: Final = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))
"""Currencies that the provider counts in thousandths, of which the last digit must be 0."""
MAX_GATEWAY_AMOUNT: Final = 10**12 - 1
"""The largest amount that the provider accepts in any currency."""


class UnsupportedAmount(Exception):
    """The provider cannot express the amount."""


def provider_decimals(currency: str) -> int:
    """Return how many decimals the provider's amounts have. Raise `UnsupportedAmount` for currencies with more decimals
    than it supports."""
    if currency in ZERO_DECIMALS:
        return 0
    if currency in THREE_DECIMALS:
        return 3
    if get_currency_precision(currency) > 2:
        raise UnsupportedAmount(currency)
    return 2


def to_provider(money: Money) -> int:
    """Return the amount in the provider's units. Raise `UnsupportedAmount`."""
    shift = provider_decimals(money.currency) - get_currency_precision(money.currency)
    amount, rest = (money.amount * 10**shift, 0) if shift >= 0 else divmod(money.amount, 10**-shift)
    if rest or not 0 < amount <= MAX_GATEWAY_AMOUNT or (money.currency in THREE_DECIMALS and amount % 10):
        raise UnsupportedAmount(money.currency)
    return amount


def from_provider(amount: int, currency: str) -> Money:
    """Return an amount that the provider reported. Raise `UnsupportedAmount` if it is a fraction of our minor unit."""
    code = currency.upper()
    shift = provider_decimals(code) - get_currency_precision(code)
    ours, rest = divmod(amount, 10**shift) if shift >= 0 else (amount * 10**-shift, 0)
    if rest:
        raise UnsupportedAmount(code)
    return Money(ours, code)
